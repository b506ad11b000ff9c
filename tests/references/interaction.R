# Group by stage in a mixed model by lme4 and lmerTest, the repeated-measures analysis by aov, Johansen's test written
# out (Welch's for two stages by oneway.test), and early against late answers by t.test.
# Output: interaction.csv (stage gaps of 240 customers in three tiers; some have not met every stage), and
# interaction_expected.json.   Run in this folder:  Rscript interaction.R
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})
set.seed(20261201)
n <- 240; stages <- c("encounter", "transfer", "tracking")
tier <- sample(c("mass", "affluent", "private"), n, TRUE, prob = c(5, 3, 2)); day <- sample(0:29, n, TRUE, prob = 30:1)
u <- rnorm(n, 0, .8); shift <- list(mass = c(-.8, -.9, -1.0), affluent = c(-.6, -.9, -1.3), private = c(-.5, -1.1, -1.7))
y <- t(sapply(1:n, function(i) round(4 * (shift[[tier[i]]] + u[i] + rnorm(3, 0, c(.6, .7, .9)))) / 4))
y[runif(n) < .25, 3] <- NA; y[runif(n) < .06, 2] <- NA; y[runif(n) < .04, 1] <- NA
wide <- data.frame(tier, day, y); names(wide)[3:5] <- stages
write.csv(wide, "interaction.csv", row.names = FALSE, quote = FALSE, na = "")
wide$id <- factor(1:n)
long <- reshape(wide, direction = "long", varying = stages, v.names = "gap", timevar = "stage", times = stages, idvar = "id")
long$stage <- factor(long$stage, stages); long$tier <- factor(long$tier, c("mass", "affluent", "private"))
long <- long[!is.na(long$gap), ]
tight <- lmerControl(optimizer = "nloptwrap", optCtrl = list(xtol_abs = 1e-14, ftol_abs = 1e-14, xtol_rel = 1e-14, ftol_rel = 1e-15))
study <- function(d) {
  m <- lmer(gap ~ 0 + tier:stage + (1 | id), d, control = tight)
  a <- anova(lmer(gap ~ tier * stage + (1 | id), d, control = tight), type = 3)["tier:stage", ]
  names <- names(fixef(m)); L <- diag(length(names)); colnames(L) <- names
  cells <- contest1D_all <- t(sapply(1:nrow(L), function(i) { k <- contest(m, L[i, ], joint = FALSE, confint = TRUE); c(k$Estimate, k$`Std. Error`, k$df, k$lower, k$upper) }))
  at <- function(t, s) which(names == paste0("tier", t, ":stage", s))
  pairs <- do.call(rbind, lapply(stages, function(s) do.call(rbind, lapply(list(c("mass", "affluent"), c("mass", "private"), c("affluent", "private")), function(p) {
    l <- rep(0, length(names)); l[at(p[1], s)] <- 1; l[at(p[2], s)] <- -1
    k <- contest(m, l, joint = FALSE, confint = TRUE); c(k$Estimate, k$lower, k$upper, k$`Pr(>|t|)`) }))))
  list(f = a$`F value`, df1 = a$NumDF, df2 = a$DenDF, p = a$`Pr(>F)`, names = names, cells = cells, pairs = pairs,
       holm = p.adjust(pairs[, 4], "holm"), tau2 = as.numeric(VarCorr(m)$id), sigma2 = sigma(m)^2)
}
johansen <- function(z, g) {  # the differences between stages z, groups g
  z <- as.matrix(z); p <- ncol(z); g <- factor(g); parts <- split(as.data.frame(z), g)
  W <- lapply(parts, function(x) solve(cov(x) / nrow(x))); m <- lapply(parts, colMeans)
  S <- Reduce(`+`, W); mid <- solve(S, Reduce(`+`, Map(function(w, x) w %*% x, W, m)))
  T <- sum(mapply(function(w, x) t(x - mid) %*% w %*% (x - mid), W, m)); q <- p * (nlevels(g) - 1)
  A <- sum(mapply(function(w, x) { E <- diag(p) - solve(S) %*% w; (sum(diag(E %*% E)) + sum(diag(E))^2) / (2 * (nrow(x) - 1)) }, W, parts))
  c <- q + 2 * A - 6 * A / (q + 2); df2 <- q * (q + 2) / (3 * A); c(T / c, q, df2, pf(T / c, q, df2, lower.tail = FALSE))
}
whole <- complete.cases(wide[, stages]); d <- long[long$id %in% wide$id[whole], ]; d$id <- droplevels(d$id)
rm <- summary(aov(gap ~ tier * stage + Error(id), d))$`Error: Within`[[1]]
row <- which(trimws(rownames(rm)) == "tier:stage")
two <- oneway.test(tracking - encounter ~ tier, wide[whole, ])
w <- wide[whole, ]
overall <- rowMeans(wide[, stages]); ok <- !is.na(overall)
early <- wide$day < 9; late <- wide$day >= 20  # 29 days from the first answer to the last
tt <- function(y) { t <- t.test(y[late], y[early]); c(unname(t$estimate[2]), unname(t$estimate[1]), unname(t$estimate[1] - t$estimate[2]), t$conf.int, t$p.value) }
out <- list(session = list(r = R.version.string, lme4 = as.character(packageVersion("lme4")), lmerTest = as.character(packageVersion("lmerTest"))),
  all = study(long), complete = study(d), rm = c(rm[row, "F value"], rm[row, "Df"], rm[nrow(rm), "Df"], rm[row, "Pr(>F)"]),
  johansen = johansen(cbind(w$transfer - w$encounter, w$tracking - w$encounter), w$tier),
  two = c(unname(two$statistic), unname(two$parameter), two$p.value),
  early_late = list(encounter = tt(wide$encounter), transfer = tt(wide$transfer), overall = tt(overall)))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "interaction_expected.json")
