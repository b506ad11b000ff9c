# Factor models of ratings with missing answers by lavaan, two-stage and FIML, and robust indices of ordered categories.
# Simulates (fixed seed) and writes confirm_missing.csv; reads confirm_ordinal.csv.  Output: confirm_missing_expected.json.
# Run in this folder:  Rscript confirm_missing.R
suppressMessages({library(lavaan); library(MASS); library(jsonlite)})
out <- list()

# ---- data: two languages, 12 items, a third of them not applicable to a fifth of the customers, 4 % blank, skewed --------
set.seed(21)
dims <- rep(c("tan", "rel", "emp"), each = 4)
names12 <- sprintf("Q%02d", 1:12)
load <- rep(c(.75, .65, .7, .8), 3)
answers <- function(n, shift) {
  f <- mvrnorm(n, rep(0, 3), matrix(c(1, .6, .5, .6, 1, .55, .5, .55, 1), 3))
  y <- sapply(1:12, function(j) load[j] * f[, match(dims[j], unique(dims))] + sqrt(1 - load[j]^2) * rnorm(n) + shift[j])
  x <- pmin(pmax(round(7.3 - 1.1 * exp(.55 * -y)), 1), 7)
  # Those who think little of the service have less often come to its last stage: missing at random given the others.
  late <- runif(n) < plogis(-1.6 - .5 * (rowMeans(x[, c(1, 5, 9)]) - 5))
  x[late, c(4, 8, 11, 12)] <- NA
  x[matrix(runif(n * 12) < .04, n)] <- NA
  x
}
bent <- rep(0, 12); bent[6] <- -.7
rows <- as.data.frame(rbind(cbind(1, answers(300, rep(0, 12))), cbind(2, answers(260, bent + .15))))
names(rows) <- c("language", names12)
write.csv(rows, "confirm_missing.csv", row.names = FALSE, quote = FALSE, na = "")
one <- rows[rows$language == 1, ]

# ---- models -----------------------------------------------------------------------------------------------------------
by <- function(of) paste(sapply(unique(of), function(d) paste(d, "=~", paste(names12[of == d], collapse = " + "))), collapse = "\n")
models <- list(dimensions = by(dims), one_factor = by(rep("general", 12)))
robust <- c("npar", "chisq", "df", "baseline.chisq", "chisq.scaled", "pvalue.scaled", "chisq.scaling.factor", "cfi.robust", "tli.robust",
            "rmsea.robust", "srmr", "cfi.scaled", "tli.scaled", "rmsea.scaled")
loads <- function(fit) { s <- standardizedSolution(fit); s <- s[s$op == "=~", ]
  list(factor = s$lhs, item = s$rhs, est = s$est.std, se = s$se) }
# Both the weights and the covariance of the moments at the saturated moments, as in this program's first stage.
two <- function(model, data, ...) cfa(model, data, std.lv = TRUE, missing = "robust.two.stage", h1.information = "unstructured", ...)
for (name in names(models)) {
  fit <- two(models[[name]], one); fiml <- cfa(models[[name]], one, std.lv = TRUE, missing = "fiml", estimator = "MLR")
  out$two_stage[[name]] <- list(fit = as.list(fitMeasures(fit, robust)), loadings = loads(fit))
  out$fiml[[name]] <- list(fit = as.list(fitMeasures(fiml, robust)), loadings = loads(fiml))
}
h1 <- lavInspect(two(models$dimensions, one), "sampstat")
gamma <- lavaan:::lav_mvnorm_missing_h1_omega_sw(Y = as.matrix(one[, names12]), information = "observed")
out$moments <- list(mean = as.numeric(h1$mean), cov = unclass(h1$cov), gamma = diag(gamma), first = gamma[, 1], mid = gamma[, 50])

# ---- invariance ---------------------------------------------------------------------------------------------------------
equal <- list(configural = "", metric = "loadings", scalar = c("loadings", "intercepts"), strict = c("loadings", "intercepts", "residuals"))
for (step in names(equal)) {
  fit <- two(models$dimensions, rows, group = "language", group.equal = equal[[step]])
  fiml <- cfa(models$dimensions, rows, std.lv = TRUE, missing = "fiml", estimator = "MLR", group = "language", group.equal = equal[[step]])
  out$invariance[[step]] <- list(two_stage = as.list(fitMeasures(fit, robust)), fiml = as.list(fitMeasures(fiml, robust)))
}

# ---- ordered categories: robust indices (Savalei 2021) -----------------------------------------------------------------
ordinal <- read.csv("confirm_ordinal.csv")
of <- c("a", "a", "a", "b", "b", "b", "c", "c", "c", "c")
text <- paste(sapply(unique(of), function(d) paste(d, "=~", paste(names(ordinal)[of == d], collapse = " + "))), collapse = "\n")
for (name in c("dimensions", "one_factor")) {
  fit <- cfa(if (name == "dimensions") text else paste("g =~", paste(names(ordinal), collapse = " + ")), ordinal, std.lv = TRUE,
             ordered = names(ordinal), estimator = "WLSMV")
  out$ordinal[[name]] <- as.list(fitMeasures(fit, c("cfi.robust", "tli.robust", "rmsea.robust", "rmsea.ci.lower.robust",
    "rmsea.ci.upper.robust", "rmsea.pvalue.robust")))
}

# ---- scaled beside robust indices, complete rows -----------------------------------------------------------------------
school <- "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
fit <- cfa(school, HolzingerSwineford1939, std.lv = TRUE, estimator = "MLR")
out$scaled <- as.list(fitMeasures(fit, c("cfi.scaled", "tli.scaled", "rmsea.scaled", "cfi.robust", "tli.robust", "rmsea.robust")))
out$session <- list(R = R.version.string, lavaan = as.character(packageVersion("lavaan")), MASS = as.character(packageVersion("MASS")))
write_json(out, "confirm_missing_expected.json", digits = NA, auto_unbox = TRUE, pretty = FALSE)
