# Tests and effect sizes of one paired gap, weighted and clustered means, by base R, coin, effectsize, boot, survey and clubSandwich.
# Output: gaps.csv (60 simulated pairs with branch and weight), gaps_expected.json.   Run in this folder:  Rscript gaps.R
suppressMessages({library(coin); library(effectsize); library(boot); library(survey); library(clubSandwich); library(jsonlite)})
set.seed(20261125)
n <- 60; branch <- rep(1:8, length.out = n)[sample(n)]; u <- rnorm(8, 0, .5)
E <- pmin(7, pmax(1, round(rnorm(n, 5.9, 1)))); P <- pmin(7, pmax(1, round(E - .9 + u[branch] + rnorm(n, 0, 1.3))))
weight <- round(runif(n, .4, 2.5), 3); d <- P - E
write.csv(data.frame(branch, weight, E, P), "gaps.csv", row.names = FALSE, quote = FALSE)
study <- function(P, E) {
  d <- P - E; t <- t.test(P, E, paired = TRUE); w <- suppressWarnings(wilcox.test(d, exact = FALSE, correct = FALSE))
  pr <- wilcoxsign_test(P ~ E, zero.method = "Pratt", distribution = "asymptotic")
  pe <- wilcoxsign_test(P ~ E, zero.method = "Pratt", distribution = "exact")
  we <- wilcoxsign_test(P ~ E, zero.method = "Wilcoxon", distribution = "exact")
  dz <- cohens_d(P, E, paired = TRUE); rb <- rank_biserial(P, E, paired = TRUE)
  s <- binom.test(sum(d > 0), sum(d != 0))
  list(P = P, E = E, t = c(t$estimate, t$statistic, t$p.value, t$conf.int), wilcox = c(w$statistic, w$p.value),
    pratt = c(statistic(pr), pvalue(pr), pvalue(pe)), wilcoxon_exact = pvalue(we), d_z = c(dz$Cohens_d, dz$CI_low, dz$CI_high),
    rank_biserial = rb$r_rank_biserial, sign = s$p.value,
    tost = c(t.test(d, mu = -.5, alternative = "greater")$p.value, t.test(d, mu = .5, alternative = "less")$p.value, t.test(d, conf.level = .9)$conf.int),
    minimum_effect = t.test(d, mu = -.5, alternative = "less")$p.value,
    walsh = { a <- outer(d, d, "+") / 2; median(a[lower.tri(a, diag = TRUE)]) })
}
b <- boot(d, function(x, i) mean(x[i]), 200000); bc <- boot.ci(b, type = "bca")$bca[4:5]
ds <- svydesign(~1, weights = ~weight, data = data.frame(d, weight)); sm <- svymean(~d, ds)
fit <- lm(d ~ 1); ct <- coef_test(fit, vcovCR(fit, branch, "CR2"), test = "Satterthwaite")
v <- function(p) as.character(packageVersion(p))
out <- list(session = list(r = R.version.string, coin = v("coin"), effectsize = v("effectsize"), boot = v("boot"), survey = v("survey"), clubSandwich = v("clubSandwich")),
  bank = study(P, E), sleep = study(sleep$extra[1:10], sleep$extra[11:20]), bca = bc,
  weighted = c(coef(sm), SE(sm)), clustered = c(ct$beta, ct$SE, ct$df_Satt),
  adjusted = { p <- c(.001, .013, .02, .04, .2, .2, .8); list(p = p, holm = p.adjust(p, "holm"), bh = p.adjust(p, "BH"), by = p.adjust(p, "BY")) })
write(toJSON(out, digits = NA, auto_unbox = TRUE), "gaps_expected.json")
