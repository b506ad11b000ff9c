# Anchor check of the smallest gap that matters: Welch intervals between neighbouring categories of satisfaction, and
# one difference for all steps as the weighted least squares slope of the category means (known variances).
# Simulates (fixed seed) and writes anchor.csv.  Output: anchor_expected.json.  Run in this folder:  Rscript anchor.R
suppressMessages({library(nlme); library(metafor); library(jsonlite)})
set.seed(20261202)
n <- 420
satisfaction <- sample(c(0, 2:7), n, TRUE, c(.04, .05, .12, .22, .27, .2, .1))
gap <- round(-2.6 + .42 * satisfaction + rnorm(n, 0, .5 + .1 * (7 - satisfaction)), 2)
gap[sample(n, 12)] <- NA
d <- data.frame(gap, satisfaction)
write.csv(d, "anchor.csv", row.names = FALSE, quote = FALSE)
k <- d[!is.na(d$gap) & d$satisfaction > 0, ]
m <- tapply(k$gap, k$satisfaction, mean); v <- tapply(k$gap, k$satisfaction, var) / tapply(k$gap, k$satisfaction, length)
steps <- lapply(3:7, function(one) { t <- t.test(k$gap[k$satisfaction == one], k$gap[k$satisfaction == one - 1])
  c(t$estimate[1] - t$estimate[2], t$conf.int) })
line <- rma(yi = as.numeric(m), vi = as.numeric(v), mods = ~ as.numeric(names(m)), method = "FE")
# With category 4 left out the line is broken: two differences 2-3, and 5-6-7, with one slope and a level of their own.
cat <- as.numeric(names(m)); use <- cat != 4; run <- as.numeric(cat[use] > 4)
broken <- rma(yi = as.numeric(m)[use], vi = as.numeric(v)[use], mods = ~ cat[use] + run, method = "FE")
out <- list(session = list(r = R.version.string, metafor = as.character(packageVersion("metafor"))),
  n = nrow(k), means = as.list(m), steps = steps,
  pooled = c(line$beta[2], line$ci.lb[2], line$ci.ub[2]), broken = c(broken$beta[2], broken$ci.lb[2], broken$ci.ub[2]))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "anchor_expected.json")
