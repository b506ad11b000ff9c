# Confirmatory factor analysis, invariance, ordinal models and DIF by lavaan, semTools and MASS.
# Simulates (fixed seeds) and writes confirm_bank.csv, confirm_ordinal.csv; writes confirm_school.csv (lavaan's
# HolzingerSwineford1939).  Output: confirm_expected.json.  Run in this folder:  Rscript confirm.R
suppressMessages({library(lavaan); library(semTools); library(MASS); library(jsonlite)})
out <- list()

# ---- data -----------------------------------------------------------------------------------------------------------
cells <- c(2, 1, 1, 1, 2, 1, 2, 2, 2, 1, 1, 2, 1, 1, 2)
dims <- c("tan", "rel", "res", "ass", "emp")
dim_of <- rep(rep(dims, 3), cells)
stage_of <- rep(rep(c("enc", "trf", "trk"), each = 5), cells)
bank_names <- sprintf("Q%02d", seq_along(dim_of))
set.seed(11)
bank_group <- function(n, shift) {
  phi <- matrix(.55, 5, 5); diag(phi) <- 1; phi["rel" == dims, "res" == dims] <- phi["res" == dims, "rel" == dims] <- .7
  f <- mvrnorm(n, rep(0, 5), phi) + shift$mean
  load <- rep(c(.75, .6, .7, .8), length.out = 22)
  y <- sapply(1:22, function(j) load[j] * f[, match(dim_of[j], dims)] + sqrt(1 - load[j]^2) * rnorm(n) + shift$nu[j])
  pmin(pmax(round(4.8 + 1.1 * y), 1), 7)
}
zero <- rep(0, 22); bent <- zero; bent[c(3, 9, 16)] <- c(.8, -.7, .7)
bank <- rbind(cbind(1, bank_group(350, list(mean = 0, nu = zero))), cbind(2, bank_group(300, list(mean = .2, nu = bent))))
bank <- as.data.frame(bank); names(bank) <- c("language", bank_names)
write.csv(bank, "confirm_bank.csv", row.names = FALSE, quote = FALSE)
set.seed(12)
f3 <- mvrnorm(400, rep(0, 3), matrix(c(1, .5, .4, .5, 1, .6, .4, .6, 1), 3))
ordinal <- as.data.frame(sapply(1:10, function(j) {
  y <- c(.8, .7, .6, .75)[(j - 1) %% 4 + 1] * f3[, c(1, 1, 1, 2, 2, 2, 3, 3, 3, 3)[j]]
  y <- y + sqrt(1 - c(.8, .7, .6, .75)[(j - 1) %% 4 + 1]^2) * rnorm(400)
  if (j == 5) y <- y + .35 * f3[, 3]
  findInterval(y, c(-1.8, -.9, .1, 1.1) - .15 * (j %% 3)) + 1 }))
names(ordinal) <- sprintf("O%02d", 1:10)
write.csv(ordinal, "confirm_ordinal.csv", row.names = FALSE, quote = FALSE)
school <- HolzingerSwineford1939[, c("school", paste0("x", 1:9))]
write.csv(school, "confirm_school.csv", row.names = FALSE, quote = FALSE)
school <- read.csv("confirm_school.csv")

# ---- models ---------------------------------------------------------------------------------------------------------
by <- function(names, of) paste(sapply(unique(of), function(d) paste(d, "=~", paste(names[of == d], collapse = " + "))), collapse = "\n")
school_model <- by(paste0("x", 1:9), rep(c("visual", "textual", "speed"), each = 3))
bank_model <- by(bank_names, dim_of)
measures <- c("npar", "chisq", "df", "pvalue", "baseline.chisq", "baseline.df", "cfi", "tli", "rmsea", "rmsea.ci.lower",
              "rmsea.ci.upper", "rmsea.pvalue", "srmr", "aic", "bic", "logl")
robust <- c("chisq.scaled", "pvalue.scaled", "chisq.scaling.factor", "cfi.robust", "tli.robust", "rmsea.robust",
            "rmsea.ci.lower.robust", "rmsea.ci.upper.robust", "rmsea.pvalue.robust")
wlsmv <- c("npar", "chisq", "df", "baseline.chisq", "cfi", "tli", "rmsea", "srmr", "chisq.scaled", "pvalue.scaled",
           "baseline.chisq.scaled", "cfi.scaled", "tli.scaled", "rmsea.scaled", "rmsea.ci.lower.scaled",
           "rmsea.ci.upper.scaled", "rmsea.pvalue.scaled")
loads <- function(fit) { s <- standardizedSolution(fit); s <- s[s$op == "=~", ]
  list(factor = s$lhs, item = s$rhs, est = s$est.std, se = s$se) }
cors <- function(fit) { s <- standardizedSolution(fit); s <- s[s$op == "~~" & s$lhs != s$rhs, ]
  list(one = s$lhs, other = s$rhs, est = s$est.std, se = s$se) }
mods <- function(fit) { m <- modindices(fit); m <- m[m$op %in% c("=~", "~~"), ]
  m <- m[order(-m$mi), ]; m <- head(m, 25); list(lhs = m$lhs, op = m$op, rhs = m$rhs, mi = m$mi, epc = m$epc, sepc = m$sepc.all) }
ml <- function(model, data, ...) cfa(model, data, std.lv = TRUE, ...)

for (set in list(list("school", school_model, school), list("bank", bank_model, bank[bank$language == 1, ]))) {
  fit <- ml(set[[2]], set[[3]]); mlr <- ml(set[[2]], set[[3]], estimator = "MLR")
  out[[set[[1]]]] <- list(fit = as.list(fitMeasures(fit, measures)), loadings = loads(fit), correlations = cors(fit),
    modindices = mods(fit), mlr = as.list(fitMeasures(mlr, robust)), mlr_loadings = loads(mlr), mlr_correlations = cors(mlr))
}
one <- bank[bank$language == 1, ]
rivals <- list(one_factor = paste("general =~", paste(bank_names, collapse = " + ")), stages = by(bank_names, stage_of),
  second_order = paste0(bank_model, "\ngeneral =~ ", paste(dims, collapse = " + ")))
for (name in names(rivals)) { fit <- ml(rivals[[name]], one); mlr <- ml(rivals[[name]], one, estimator = "MLR")
  out$rivals[[name]] <- list(fit = as.list(fitMeasures(fit, measures)), loadings = loads(fit), mlr = as.list(fitMeasures(mlr, robust))) }
# Factors that are not correlated, one general: lavaan's orthogonal, on the school data and the bank's 22 items.
for (set in list(list("bifactor", paste0("general =~ ", paste(bank_names, collapse = " + "), "\n", bank_model), one))) {
  fit <- ml(set[[2]], set[[3]], orthogonal = TRUE)
  out$rivals[[set[[1]]]] <- list(fit = as.list(fitMeasures(fit, measures)), loadings = loads(fit), converged = lavInspect(fit, "converged"),
    post = suppressWarnings(lavInspect(fit, "post.check")))
}

# ---- invariance -----------------------------------------------------------------------------------------------------
ladder <- function(model, data, group, partial) {
  equal <- list(configural = "", metric = "loadings", scalar = c("loadings", "intercepts"),
                strict = c("loadings", "intercepts", "residuals"), partial_scalar = c("loadings", "intercepts"))
  fits <- lapply(names(equal), function(step) ml(model, data, group = group, estimator = "MLR", group.equal = equal[[step]],
    group.partial = if (step == "partial_scalar") partial else ""))
  names(fits) <- names(equal)
  found <- lapply(fits, function(fit) as.list(fitMeasures(fit, c(measures, robust))))
  lrt <- function(a, b) { t <- lavTestLRT(fits[[a]], fits[[b]], method = "satorra.bentler.2001")
    list(chisq = t[2, "Chisq diff"], df = t[2, "Df diff"], p = t[2, "Pr(>Chisq)"]) }
  found$metric$lrt <- lrt("configural", "metric"); found$scalar$lrt <- lrt("metric", "scalar")
  found$strict$lrt <- lrt("scalar", "strict"); found$partial_scalar$lrt <- lrt("metric", "partial_scalar")
  plain <- ml(model, data, group = group, group.equal = equal$scalar)
  table <- parTable(plain)
  items <- lavNames(plain, "ov")
  pairs <- sapply(items, function(i) { l <- table$plabel[table$lhs == i & table$op == "~1"]; paste(l[1], "==", l[2]) })
  score <- suppressWarnings(lavTestScore(plain))$uni
  found$scores <- as.list(setNames(sapply(pairs, function(p) score$X2[paste(score$lhs, "==", score$rhs) == p]), items))
  means <- parameterEstimates(fits$partial_scalar); means <- means[means$group == 2 & means$op == "~1" & !(means$lhs %in% items), ]
  found$means <- list(factor = means$lhs, est = means$est, se = means$se)
  found
}
out$school_invariance <- ladder(school_model, school, "school", c("x3 ~ 1", "x7 ~ 1"))
out$bank_invariance <- ladder(bank_model, bank, "language", c("Q03 ~ 1", "Q09 ~ 1", "Q16 ~ 1"))

# ---- ordered categories ---------------------------------------------------------------------------------------------
ordinal_model <- by(names(ordinal), c("a", "a", "a", "b", "b", "b", "c", "c", "c", "c"))
fit <- cfa(ordinal_model, ordinal, std.lv = TRUE, ordered = names(ordinal), estimator = "WLSMV")
out$ordinal <- list(fit = as.list(fitMeasures(fit, wlsmv)), loadings = loads(fit), correlations = cors(fit),
  modindices = mods(fit), thresholds = unname(unlist(lavInspect(fit, "sampstat")$th)), polychoric = unclass(lavInspect(fit, "sampstat")$cov),
  gamma = diag(lavInspect(fit, "gamma")), names_gamma = rownames(lavInspect(fit, "gamma")))
fit <- cfa(paste("g =~", paste(names(ordinal), collapse = " + ")), ordinal, std.lv = TRUE, ordered = names(ordinal), estimator = "WLSMV")
out$ordinal_one <- list(fit = as.list(fitMeasures(fit, wlsmv)), loadings = loads(fit))

# ---- discriminant validity ------------------------------------------------------------------------------------------
out$htmt <- unclass(htmt(bank_model, one, htmt2 = FALSE)); out$htmt2 <- unclass(htmt(bank_model, one, htmt2 = TRUE))

# ---- DIF ------------------------------------------------------------------------------------------------------------
dif <- function(j) {
  y <- factor(bank[[bank_names[j]]]); rest <- rowSums(bank[, bank_names[-j]]); rest <- (rest - mean(rest)) / sd(rest)
  g <- factor(bank$language); ll <- function(f) as.numeric(logLik(f))
  null <- polr(y ~ 1); score <- polr(y ~ rest); uniform <- polr(y ~ rest + g); both <- polr(y ~ rest * g)
  list(null = ll(null), score = ll(score), group = ll(uniform), interaction = ll(both),
       shift = unname(coef(uniform)["g2"]), r2_uniform = (ll(uniform) - ll(score)) / -ll(null), r2_total = (ll(both) - ll(score)) / -ll(null))
}
out$dif <- setNames(lapply(1:22, dif), bank_names)
out$session <- list(R = R.version.string, lavaan = as.character(packageVersion("lavaan")), semTools = as.character(packageVersion("semTools")),
                    MASS = as.character(packageVersion("MASS")))
write_json(out, "confirm_expected.json", digits = NA, auto_unbox = TRUE, pretty = FALSE)
