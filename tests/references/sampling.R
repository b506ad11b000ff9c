# Sample sizes, raking, missing answers and response quality by base R, survey and lavaan; Little's test and indices written out.
# Output: sampling.csv (150 simulated customers with missing ratings), sampling_expected.json.   Run here:  Rscript sampling.R
suppressMessages({library(survey); library(lavaan); library(jsonlite)})
set.seed(20261127)
n <- 150; g <- rnorm(n); Y <- sapply(1:5, function(j) pmin(7, pmax(1, round(4.8 + .8 * g + rnorm(n, 0, 1))))); colnames(Y) <- paste0("y", 1:5)
full <- Y; Y[cbind(sample(n, 90, TRUE), sample(5, 90, TRUE))] <- NA
tier <- sample(0:2, n, TRUE, c(.5, .3, .2)); age <- sample(0:1, n, TRUE)
write.csv(data.frame(tier, age, Y), "sampling.csv", row.names = FALSE, quote = FALSE, na = "")
fit <- lavaan(paste(colnames(Y), "~~", colnames(Y), collapse = "\n"), data = as.data.frame(Y), missing = "fiml", meanstructure = TRUE, int.ov.free = TRUE,
  em.h1.tol = 1e-13, em.h1.iter.max = 20000)
H <- lavInspect(fit, "h1"); mu <- as.numeric(H$mean); S <- matrix(as.numeric(H$cov), 5)
logl <- sum(apply(Y, 1, function(y) { o <- which(!is.na(y)); if (!length(o)) return(0); m <- y[o] - mu[o]
  -.5 * (length(o) * log(2 * pi) + determinant(S[o, o, drop = FALSE])$modulus + m %*% solve(S[o, o], m)) }))
key <- apply(!is.na(Y), 1, paste, collapse = ""); d2 <- 0; df <- 0
for (k in unique(key)) { r <- which(key == k); o <- which(!is.na(Y[r[1], ])); if (length(o)) { m <- colMeans(Y[r, o, drop = FALSE]) - mu[o]
  d2 <- d2 + length(r) * m %*% solve(S[o, o]) %*% m; df <- df + length(o) } }
blank <- apply(is.na(Y), 1, any); gl <- glm(blank ~ factor(tier), family = binomial); g0 <- glm(blank ~ 1, family = binomial)
ds <- svydesign(~1, weights = ~w, data = data.frame(tier, age, w = 1))
rk <- rake(ds, list(~tier, ~age), list(data.frame(tier = 0:2, Freq = n * c(.4, .35, .25)), data.frame(age = 0:1, Freq = n * c(.55, .45))), control = list(maxit = 500, epsilon = 1e-11))
rle_max <- function(x) { x[is.na(x)] <- -seq_len(sum(is.na(x))); max(rle(x)$lengths[rle(x)$values > 0], 0) }
D <- mahalanobis(full, colMeans(full), cov(full))
pw <- power.t.test(n = NULL, delta = .3, sd = 1, power = .9, type = "paired"); p2 <- power.t.test(delta = .3, sd = 1.3, power = .8, alternative = "one.sided")
p3 <- power.t.test(delta = .5, sd = 1.3, power = .8, type = "one.sample", alternative = "one.sided"); p4 <- power.t.test(n = 60, delta = .4, sd = 1, type = "paired", strict = TRUE)
out <- list(session = list(r = R.version.string, survey = as.character(packageVersion("survey")), lavaan = as.character(packageVersion("lavaan"))),
  em = list(mean = mu, cov = S, loglik = logl), little = c(d2, df - 5), blank_p = pchisq(g0$deviance - gl$deviance, 2, lower.tail = FALSE),
  raked = as.numeric(weights(rk)), longstring = apply(Y, 1, rle_max), irv = apply(Y, 1, sd, na.rm = TRUE), full = full, mahalanobis = D,
  power = list(paired = pw$n, fresh = p2$n, minimum = p3$n, at60 = p4$power))
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null"), "sampling_expected.json")
