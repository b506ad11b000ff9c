# Differences of groups and branches by base R, lme4 and metafor; Games-Howell and Dunn written out with ptukey and rank.
# Output: groups.csv (simulated gaps of 400 customers of 12 branches and 4 tiers), groups_expected.json.
# Run in this folder:  Rscript groups.R
suppressMessages({library(lme4); library(metafor); library(jsonlite)})
set.seed(20261123)
n <- 400
branch <- sample(sprintf("b%02d", 1:12), n, TRUE, prob = c(3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1, .6))
tier <- sample(c("mass", "affluent", "private", "young"), n, TRUE, prob = c(5, 3, 1, 2))
effect <- setNames(rnorm(12, 0, .45), sprintf("b%02d", 1:12))
lift <- c(mass = 0, affluent = .3, private = .6, young = -.4)
gap <- round(2 * (-.7 + effect[branch] + lift[tier] + rnorm(n, 0, 1.1))) / 2
d <- data.frame(branch, tier, gap)
write.csv(d, "groups.csv", row.names = FALSE, quote = FALSE)

gh <- function(y, g) {
  g <- factor(g); m <- tapply(y, g, mean); v <- tapply(y, g, var); k <- nlevels(g); n <- tapply(y, g, length)
  pairs <- combn(levels(g), 2)
  t(apply(pairs, 2, function(p) {
    se2 <- v[p] / n[p]; df <- sum(se2)^2 / sum(se2^2 / (n[p] - 1)); diff <- unname(m[p[1]] - m[p[2]]); se <- sqrt(sum(se2))
    q <- qtukey(.95, k, df) / sqrt(2) * se
    c(diff = diff, p = ptukey(sqrt(2) * abs(diff) / se, k, df, lower.tail = FALSE), low = diff - q, high = diff + q)
  }))
}
dunn <- function(y, g) {
  g <- factor(g); r <- rank(y); m <- tapply(r, g, mean); n <- tapply(y, g, length); N <- length(y); t <- table(y)
  s <- N * (N + 1) / 12 - sum(t^3 - t) / (12 * (N - 1)); pairs <- combn(levels(g), 2)
  z <- apply(pairs, 2, function(p) unname((m[p[1]] - m[p[2]]) / sqrt(s * sum(1 / n[p]))))
  list(pairs = t(pairs), z = z, p_holm = p.adjust(2 * pnorm(-abs(z)), "holm"))
}
brunner <- function(x, y) {  # Brunner and Munzel (2000), written out
  n1 <- length(x); n2 <- length(y); r <- rank(c(x, y)); m1 <- mean(r[1:n1]); m2 <- mean(r[-(1:n1)])
  v1 <- sum((r[1:n1] - rank(x) - m1 + (n1 + 1) / 2)^2) / (n1 - 1); v2 <- sum((r[-(1:n1)] - rank(y) - m2 + (n2 + 1) / 2)^2) / (n2 - 1)
  df <- (n1 * v1 + n2 * v2)^2 / ((n1 * v1)^2 / (n1 - 1) + (n2 * v2)^2 / (n2 - 1))
  p <- (m1 - m2) / (n1 + n2) + .5; se <- sqrt(v1 / (n1 * n2^2) + v2 / (n2 * n1^2))
  c(p, p - qt(.975, df) * se, p + qt(.975, df) * se)
}
study <- function(y, g) {
  w <- oneway.test(y ~ g); k <- kruskal.test(y, factor(g)); a <- anova(lm(y ~ g)); N <- length(y)
  list(levels = levels(factor(g)), welch = c(w$statistic, w$parameter, w$p.value), kruskal = c(k$statistic, k$p.value),
       epsilon2 = unname(k$statistic * (N + 1) / (N^2 - 1)),
       omega2 = (a[1, 2] - a[1, 1] * a[2, 3]) / (sum(a[, 2]) + a[2, 3]), gh = gh(y, g), dunn = dunn(y, g))
}
b <- aggregate(gap ~ branch, d, function(x) c(mean(x), var(x), length(x)))$gap
pm <- rma(yi = b[, 1], vi = b[, 2] / b[, 3], method = "PM", control = list(tol = 1e-14, maxiter = 1000))
dl <- rma(yi = b[, 1], vi = b[, 2] / b[, 3], method = "DL")
fe <- rma(yi = b[, 1], vi = b[, 2] / b[, 3], method = "FE")
eb <- blup(pm)
m <- lmer(gap ~ 1 + (1 | branch), d, REML = TRUE, control = lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-12)))
within <- lm(gap ~ factor(branch) + tier, d)
x <- model.matrix(~ tier, d)[, -1]
left <- d$gap - scale(x, scale = FALSE) %*% coef(within)[paste0("tier", c("mass", "private", "young"))]
cw <- chickwts
out <- list(
  session = list(r = R.version.string, lme4 = as.character(packageVersion("lme4")), metafor = as.character(packageVersion("metafor"))),
  tiers = study(d$gap, d$tier), two = c(unlist(t.test(gap ~ tier, d[d$tier %in% c("mass", "young"), ])[c("p.value", "conf.int")])),
  brunner = brunner(d$gap[d$tier == "mass"], d$gap[d$tier == "young"]),
  branches = list(names = sort(unique(d$branch)), n = b[, 3], mean = b[, 1], var = b[, 2], fixed = as.numeric(fe$b), q = fe$QE, p_q = fe$QEp,
    tau2_dl = dl$tau2, tau2_pm = pm$tau2, mean_pm = as.numeric(pm$b), se_pm = pm$se, blup = eb$pred, blup_se = eb$se,
    reml_mean = unname(fixef(m)), reml_se = sqrt(as.numeric(vcov(m))), reml_tau2 = as.numeric(VarCorr(m)$branch), reml_sigma2 = sigma(m)^2,
    adjusted = as.numeric(tapply(left, d$branch, mean)), adjusted_var = as.numeric(tapply(left, d$branch, function(x) sum((x - mean(x))^2)) /
      (b[, 3] - tapply(hatvalues(within), d$branch, sum)))),
  chickwts = c(list(weight = cw$weight, feed = as.character(cw$feed)), study(cw$weight, cw$feed)))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "groups_expected.json")
