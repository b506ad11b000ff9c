# Slopes before an action, of branches with and without it, by clubSandwich (CR2, Satterthwaite).
# Simulates (fixed seed) and writes pretrend.csv: 12 branches, five with the action, four periods.
# Output: pretrend_expected.json.  Run in this folder:  Rscript pretrend.R
suppressMessages({library(clubSandwich); library(jsonlite)})
set.seed(20261203)
d <- do.call(rbind, lapply(1:12, function(b) { u <- rnorm(1, 0, .3); v <- rnorm(1, 0, .1)
  do.call(rbind, lapply(1:4, function(t) { n <- sample(4:12, 1)
    data.frame(branch = b, period = t, treated = as.numeric(b <= 5),
               gap = round(-1 + u + (.05 + v + .08 * (b <= 5)) * t + rnorm(n, 0, .9), 1)) })) }))
d <- d[!(d$branch == 12 & d$period == 3), ]
write.csv(d, "pretrend.csv", row.names = FALSE, quote = FALSE)
found <- function(d, term) { fit <- lm(gap ~ side * period, d); v <- vcovCR(fit, d$branch, "CR2")
  test <- coef_test(fit, v, test = "Satterthwaite"); row <- which(names(coef(fit)) == term)
  ci <- conf_int(fit, v, test = "Satterthwaite"); c(test$beta[row], ci$CI_L[row], ci$CI_U[row], test$p_Satt[row], test$df_Satt[row]) }
one <- transform(d, side = treated); other <- transform(d, side = 1 - treated)
out <- list(session = list(r = R.version.string, clubSandwich = as.character(packageVersion("clubSandwich"))),
  treated = found(other, "period"), compared = found(one, "period"), difference = found(one, "side:period"))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "pretrend_expected.json")
