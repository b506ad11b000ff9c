# Measurement invariance of ordered categories in two groups by lavaan and semTools (Wu and Estabrook 2016, thresholds
# first).  Simulates (fixed seed) and writes ordinal_invariance.csv: a group, six items of 4 points on two factors (F),
# nine items of 5 points on three factors (V), one of which (V05) is answered higher in the second group.
# Output: ordinal_invariance_expected.json.  Run in this folder:  Rscript ordinal_invariance.R
suppressMessages({library(lavaan); library(semTools); library(MASS); library(jsonlite)})
set.seed(20261201)
sizes <- c(320, 260)
make <- function(n, second) {
  f <- mvrnorm(n, rep(0, 3), matrix(c(1, .5, .4, .5, 1, .6, .4, .6, 1), 3)) * (if (second) 1.15 else 1) + (if (second) .25 else 0)
  load <- c(.8, .7, .65, .75)
  item <- function(j, k, cuts, shift = 0) {
    l <- load[(j - 1) %% 4 + 1]
    findInterval(l * f[, k] + sqrt(1 - l^2) * (if (second) 1.1 else 1) * rnorm(n) + shift, cuts) + 1
  }
  four <- sapply(1:6, function(j) item(j, c(1, 1, 1, 2, 2, 2)[j], c(-1.2, -.2, .9) - .12 * (j %% 3)))
  five <- sapply(1:9, function(j) item(j, c(1, 1, 1, 2, 2, 2, 3, 3, 3)[j], c(-1.5, -.7, .2, 1.1) - .1 * (j %% 4),
                                       if (second && j == 5) .8 else 0))
  cbind(four, five)
}
d <- as.data.frame(rbind(cbind(1, make(sizes[1], FALSE)), cbind(2, make(sizes[2], TRUE))))
names(d) <- c("group", paste0("F", 1:6), sprintf("V%02d", 1:9))
write.csv(d, "ordinal_invariance.csv", row.names = FALSE, quote = FALSE)
measures <- c("npar", "chisq", "df", "baseline.chisq", "baseline.df", "cfi", "tli", "rmsea", "srmr", "chisq.scaled",
  "pvalue.scaled", "baseline.chisq.scaled", "cfi.scaled", "tli.scaled", "rmsea.scaled", "rmsea.ci.lower.scaled", "rmsea.ci.upper.scaled")
by <- function(names, of) paste(sapply(unique(of), function(k) paste(k, "=~", paste(names[of == k], collapse = " + "))), collapse = "\n")
ladder <- function(names, of, kind, partial) {
  equal <- list(configural = "", thresholds = "thresholds", metric = c("thresholds", "loadings"),
                scalar = c("thresholds", "loadings", "intercepts"), partial_scalar = c("thresholds", "loadings", "intercepts"))
  fits <- lapply(base::names(equal), function(step) {
    text <- measEq.syntax(by(names, of), data = d, ordered = names, parameterization = kind, ID.fac = "std.lv",
      ID.cat = "Wu.Estabrook.2016", group = "group", group.equal = equal[[step]],
      group.partial = if (step == "partial_scalar") partial else "")
    cfa(as.character(text), d, ordered = names, group = "group", parameterization = kind, estimator = "WLSMV")
  })
  names(fits) <- base::names(equal)
  found <- lapply(fits, function(fit) as.list(fitMeasures(fit, measures)))
  lrt <- function(a, b) { t <- lavTestLRT(fits[[a]], fits[[b]], method = "satorra.2000", A.method = "delta", scaled.shifted = TRUE)
    list(chisq = t[2, "Chisq diff"], df = t[2, "Df diff"], p = t[2, "Pr(>Chisq)"]) }
  found$thresholds$lrt <- lrt("configural", "thresholds"); found$metric$lrt <- lrt("thresholds", "metric")
  found$scalar$lrt <- lrt("metric", "scalar"); found$partial_scalar$lrt <- lrt("metric", "partial_scalar")
  p <- parameterEstimates(fits$scalar); p <- p[p$group == 2, ]
  found$means <- list(factor = p$lhs[p$op == "~1" & !(p$lhs %in% names)], est = p$est[p$op == "~1" & !(p$lhs %in% names)],
                      se = p$se[p$op == "~1" & !(p$lhs %in% names)])
  found$gamma <- diag(lavInspect(fits$configural, "gamma")[[1]]); found$gamma_names <- rownames(lavInspect(fits$configural, "gamma")[[1]])
  found$gamma_row <- lavInspect(fits$configural, "gamma")[[1]][1, ]
  found
}
out <- list(four = ladder(paste0("F", 1:6), rep(c("a", "b"), each = 3), "delta", "F2 ~ 1"),
            five = ladder(sprintf("V%02d", 1:9), rep(c("a", "b", "c"), each = 3), "delta", "V05 ~ 1"),
            five_theta = ladder(sprintf("V%02d", 1:9), rep(c("a", "b", "c"), each = 3), "theta", "V05 ~ 1"))
out$session <- list(R = R.version.string, lavaan = as.character(packageVersion("lavaan")), semTools = as.character(packageVersion("semTools")))
write_json(out, "ordinal_invariance_expected.json", digits = NA, auto_unbox = TRUE)
