# Robust regression errors and changes between waves by base R, sandwich and clubSandwich.
# Output: trends.csv (simulated gaps of two waves in 14 branches, five of them with an action), trends_expected.json.
# Run in this folder:  Rscript trends.R
suppressMessages({library(sandwich); library(clubSandwich); library(jsonlite)})
set.seed(20261124)
branch <- rep(1:14, times = sample(12:60, 14)); after <- rbinom(length(branch), 1, .5)
treated <- as.numeric(branch <= 5); u <- rnorm(14, 0, .4); v <- rnorm(14, 0, .2)
gap <- round(-1 + u[branch] + after * (.1 + v[branch]) + .5 * treated * after + rnorm(length(branch), 0, 1.1), 2)
d <- data.frame(branch, after, treated, gap)
write.csv(d, "trends.csv", row.names = FALSE, quote = FALSE)
fit <- lm(gap ~ treated * after, d)
cr <- vcovCR(fit, d$branch, "CR2"); ct <- coef_test(fit, cr, test = "Satterthwaite")
mean_fit <- lm(gap ~ 1, d); mcr <- vcovCR(mean_fit, d$branch, "CR2"); mt <- coef_test(mean_fit, mcr, test = "Satterthwaite")
rich <- lm(gap ~ treated + after + I(branch / 10), d); rcr <- vcovCR(rich, d$branch, "CR2"); rt <- coef_test(rich, rcr, test = "Satterthwaite")
cell <- function(t, a) { y <- d$gap[d$treated == t & d$after == a]; c(length(y), mean(y), sd(y)) }
w <- t.test(d$gap[d$after == 1], d$gap[d$after == 0]); p <- t.test(sleep$extra[1:10], sleep$extra[11:20], paired = TRUE)
a <- attitude; af <- lm(rating ~ ., a)
out <- list(session = list(r = R.version.string, sandwich = as.character(packageVersion("sandwich")), clubSandwich = as.character(packageVersion("clubSandwich"))),
  did = list(beta = unname(coef(fit)), se = ct$SE, df = ct$df_Satt), mean = list(beta = unname(coef(mean_fit)), se = mt$SE, df = mt$df_Satt),
  rich = list(beta = unname(coef(rich)), se = rt$SE, df = rt$df_Satt),
  cells = list(t0 = cell(1, 0), t1 = cell(1, 1), c0 = cell(0, 0), c1 = cell(0, 1)),
  welch = c(w$estimate[1] - w$estimate[2], w$statistic, w$parameter, w$p.value, w$conf.int),
  sleep = c(p$estimate, p$statistic, p$p.value, p$conf.int),
  attitude = list(data = as.matrix(a), beta = unname(coef(af)), se = unname(sqrt(diag(vcov(af)))), hc3 = unname(sqrt(diag(vcovHC(af, "HC3")))), r2 = summary(af)$r.squared))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "trends_expected.json")
