# Intervals of effect sizes, of branches' variance and of impact asymmetry, by effectsize, psych, metafor, sandwich and
# quantiles of base R.  Reads gaps.csv, groups.csv, drivers.csv.   Output: intervals_expected.json.
# Run in this folder:  Rscript intervals.R
suppressMessages({library(effectsize); library(psych); library(metafor); library(sandwich); library(jsonlite)})
v <- function(p) as.character(packageVersion(p))
nct <- function(t, df, level = .95) sapply(c((1 + level) / 2, (1 - level) / 2), function(p)
  uniroot(function(x) pt(t, df, x) - p, c(t - 12, t + 12), tol = 1e-13)$root)
paired <- function(P, E) {
  d <- P - E; n <- length(d); s <- sqrt((var(P) + var(E)) / 2); m <- n - 1
  j <- exp(lgamma(m / 2) - lgamma((m - 1) / 2)) / sqrt(m / 2); ends <- nct(mean(d) / sd(d) * sqrt(n), n - 1) / sqrt(n) * sd(d) / s
  rb <- rank_biserial(d)  # of two columns it counts nonzero P in place of nonzero differences
  one <- t.test(d, mu = -.5, alternative = "greater"); two <- t.test(d, mu = .5, alternative = "less")
  list(d_av = c(mean(d) / s, ends), g_av = j * c(mean(d) / s, ends), rank_biserial = c(rb$r_rank_biserial, rb$CI_low, rb$CI_high),
       tost = c(max(one$p.value, two$p.value), t.test(d, conf.level = .9)$conf.int))
}
g <- read.csv("gaps.csv"); d <- read.csv("groups.csv"); x <- read.csv("drivers.csv")
mass <- d$gap[d$tier == "mass"]; young <- d$gap[d$tier == "young"]; h <- hedges_g(mass, young)
pair <- local({ n <- c(length(mass), length(young)); df <- sum(n) - 2; J <- exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2)
  t <- t.test(mass, young, var.equal = TRUE)$statistic; J * nct(t, df) * sqrt(sum(1 / n)) })
# Intraclass correlations: psych on as many gaps of each branch (balanced), F quantiles on all (n0)
size <- min(table(d$branch)); balanced <- do.call(rbind, lapply(split(d$gap, d$branch), function(y) y[1:size]))
ic <- ICC(balanced, lmer = FALSE)$results
a <- anova(lm(gap ~ branch, d)); n <- table(d$branch); k <- length(n); N <- sum(n); n0 <- (N - sum(n^2) / N) / (k - 1)
F <- a[1, 3] / a[2, 3]; FL <- F / qf(.975, k - 1, N - k); FU <- F * qf(.975, N - k, k - 1)
b <- aggregate(gap ~ branch, d, function(y) c(mean(y), var(y) / length(y)))$gap
profile <- function(yi, vi) { r <- rma(yi, vi, method = "PM", control = list(tol = 1e-14, maxiter = 1000))
  q <- confint(r, control = list(tol = 1e-14, maxiter = 10000))$random; list(tau = q["tau", 2:3], i2 = q["I^2(%)", 2:3] / 100, dl = sqrt(rma(yi, vi, method = "DL")$tau2)) }
bcg <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = dat.bcg)
low <- as.matrix(x[, 1:5] <= 3) * 1; high <- as.matrix(x[, 1:5] >= 6) * 1; colnames(low) <- colnames(high) <- NULL
cf <- data.frame(y = x$y, low = low, high = high); fit <- lm(y ~ ., cf); V <- vcovHC(fit, "HC3"); beta <- coef(fit)
iac <- t(sapply(1:5, function(i) { l <- beta[1 + i]; u <- beta[6 + i]; f <- function(z) (z[2] + z[1]) / (z[2] - z[1])
  e <- 1e-5; G <- c((f(c(l + e, u)) - f(c(l - e, u))) / (2 * e), (f(c(l, u + e)) - f(c(l, u - e))) / (2 * e))
  se <- sqrt(drop(G %*% V[c(1 + i, 6 + i), c(1 + i, 6 + i)] %*% G)); c(l, u, f(c(l, u)), f(c(l, u)) + c(-1, 1) * qt(.975, fit$df.residual) * se) }))
r2 <- summary(lm(y ~ tan + rel + res + ass + emp, x)); set.seed(1); n <- nrow(x)
draws <- replicate(4000, { i <- sample(n, n, TRUE); summary(lm(y ~ tan + rel + res + ass + emp, x[i, ]))$adj.r.squared })
out <- list(session = list(r = R.version.string, effectsize = v("effectsize"), psych = v("psych"), metafor = v("metafor"), sandwich = v("sandwich")),
  bank = paired(g$P, g$E), sleep = c(list(P = sleep$extra[1:10], E = sleep$extra[11:20]), paired(sleep$extra[1:10], sleep$extra[11:20])),
  hedges = c(h$Hedges_g, h$CI_low, h$CI_high), hedges_exact = pair,
  icc_balanced = list(rows = balanced, icc1 = as.numeric(ic[1, c("ICC", "lower bound", "upper bound")]), icc2 = as.numeric(ic[4, c("ICC", "lower bound", "upper bound")])),
  icc = list(icc1 = c((FL - 1) / (FL + n0 - 1), (FU - 1) / (FU + n0 - 1)), icc2 = c(1 - 1 / FL, 1 - 1 / FU)),
  branches = profile(b[, 1], b[, 2]), bcg = c(list(yi = as.numeric(bcg$yi), vi = as.numeric(bcg$vi)), profile(bcg$yi, bcg$vi)),
  iac = iac, r2 = c(r2$r.squared, quantile(draws, c(.025, .975))))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "intervals_expected.json")
