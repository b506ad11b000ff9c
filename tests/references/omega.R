# Standard error of omega total by lavaan's defined parameters, from the data that come with R and the project's own.
# Rscript omega.R   (run in this folder)
library(lavaan); library(jsonlite)
one <- function(x) {
  names(x) <- paste0("x", seq_along(x)); k <- ncol(x)
  model <- c(paste0("f =~ ", paste0("NA*x1 + l1*x1", if (k > 1) paste0(" + l", 2:k, "*x", 2:k, collapse = "") else "")),
             "f ~~ 1*f", paste0("x", 1:k, " ~~ u", 1:k, "*x", 1:k),
             paste0("L := ", paste0("l", 1:k, collapse = " + ")), paste0("U := ", paste0("u", 1:k, collapse = " + ")),
             "omega := L^2 / (L^2 + U)", "odds := log(omega / (1 - omega))")
  fit <- sem(paste(model, collapse = "\n"), data = x)
  p <- parameterEstimates(fit)
  o <- p[p$label == "omega", ]; g <- p[p$label == "odds", ]
  list(n = nrow(x), omega = o$est, se = o$se, low = plogis(g$ci.lower), high = plogis(g$ci.upper))
}
bank <- read.csv("structure.csv"); bank <- bank[complete.cases(bank), ]
out <- list(attitude = c(one(attitude), list(data = as.matrix(attitude))),
            bank = one(bank[, 1:5]), session = list(R = R.version.string, lavaan = as.character(packageVersion("lavaan"))))
write_json(out, "omega_expected.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
