# Drivers of satisfaction by base R, MASS and sandwich; relative weights, LMG and Brant's test written out.
# Output: drivers.csv (300 simulated customers), drivers_expected.json.   Run in this folder:  Rscript drivers.R
suppressMessages({library(MASS); library(sandwich); library(jsonlite)})
set.seed(20261126)
n <- 300; g <- rnorm(n); cut7 <- function(x) pmin(7, pmax(1, round(x)))
X <- sapply(1:5, function(j) cut7(4.9 + .7 * g + rnorm(n, 0, 1.1))); colnames(X) <- c("tan", "rel", "res", "ass", "emp")
E <- cut7(5.8 + .3 * g + rnorm(n, 0, .9)); y <- cut7(.6 + X %*% c(.05, .35, .2, .15, .1) + rnorm(n, 0, .9))
d <- data.frame(X, E = E, y = as.numeric(y)); write.csv(d, "drivers.csv", row.names = FALSE, quote = FALSE)
fit <- lm(y ~ tan + rel + res + ass + emp, d)
R <- cor(d[, c(colnames(X), "y")]); Rxx <- R[1:5, 1:5]; rxy <- R[1:5, 6]
e <- eigen(Rxx); L <- e$vectors %*% diag(sqrt(e$values)) %*% t(e$vectors); rw <- as.numeric(L^2 %*% solve(L, rxy)^2)
r2 <- function(s) if (length(s)) sum(rxy[s] * solve(Rxx[s, s, drop = FALSE], rxy[s])) else 0
perms <- function(v) if (length(v) <= 1) list(v) else unlist(lapply(seq_along(v), function(i) lapply(perms(v[-i]), function(p) c(v[i], p))), FALSE)
lmg <- numeric(5); P <- perms(1:5); for (p in P) for (k in 1:5) lmg[p[k]] <- lmg[p[k]] + (r2(p[1:k]) - r2(p[seq_len(k - 1)])) / length(P)
po <- polr(factor(y) ~ tan + rel + res + ass + emp, d, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000)); so <- summary(po)
yc <- d$y; lev <- sort(unique(yc)); while (sum(yc == lev[1]) < 5) { yc[yc == lev[1]] <- lev[2]; lev <- lev[-1] }
while (sum(yc == rev(lev)[1]) < 5) { yc[yc == rev(lev)[1]] <- rev(lev)[2]; lev <- head(lev, -1) }
K <- length(lev) - 1; D <- cbind(1, X); fits <- lapply(1:K, function(k) glm(as.numeric(yc > lev[k]) ~ X, family = binomial, control = list(epsilon = 1e-14)))
b <- unlist(lapply(fits, function(f) coef(f)[-1])); V <- matrix(0, 5 * K, 5 * K); p <- lapply(fits, fitted)
for (a in 1:K) for (c in a:K) { Wi <- function(k) solve(t(D) %*% (D * (p[[k]] * (1 - p[[k]]))))
  m <- (Wi(a) %*% (t(D) %*% (D * (p[[c]] - p[[a]] * p[[c]]))) %*% Wi(c))[-1, -1]
  V[(a - 1) * 5 + 1:5, (c - 1) * 5 + 1:5] <- m; V[(c - 1) * 5 + 1:5, (a - 1) * 5 + 1:5] <- t(m) }
C <- matrix(0, 5 * (K - 1), 5 * K); for (k in 2:K) { C[(k - 2) * 5 + 1:5, 1:5] <- -diag(5); C[(k - 2) * 5 + 1:5, (k - 1) * 5 + 1:5] <- diag(5) }
brant <- as.numeric(t(C %*% b) %*% solve(C %*% V %*% t(C)) %*% (C %*% b))
low <- sapply(d[colnames(X)], function(x) as.numeric(x <= 3)); high <- sapply(d[colnames(X)], function(x) as.numeric(x >= 6))
cf <- data.frame(y = d$y, low = low, high = high); prc <- lm(y ~ ., cf); ph <- sqrt(diag(vcovHC(prc, "HC3")))
p4 <- d$rel - 4; e4 <- d$E - 4; rs <- lm(d$y ~ p4 + e4 + I(p4^2) + I(p4 * e4) + I(e4^2)); vh <- vcovHC(rs, "HC3")
lin <- list(a1 = c(0, 1, 1, 0, 0, 0), a2 = c(0, 0, 0, 1, 1, 1), a3 = c(0, 1, -1, 0, 0, 0), a4 = c(0, 0, 0, 1, -1, 1))
surf <- sapply(lin, function(w) c(sum(w * coef(rs)), sqrt(t(w) %*% vh %*% w), sqrt(t(w) %*% vcov(rs) %*% w)))
dm <- lm(d$y ~ I(p4 - e4)); an <- anova(dm, rs)
hs <- housing; hp <- polr(Sat ~ Infl + Type + Cont, weights = Freq, data = hs, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000))
out <- list(session = list(r = R.version.string, MASS = as.character(packageVersion("MASS")), sandwich = as.character(packageVersion("sandwich"))),
  ols = list(beta = unname(coef(fit)), hc3 = unname(sqrt(diag(vcovHC(fit, "HC3")))), r2 = summary(fit)$r.squared, adj = summary(fit)$adj.r.squared, vif = unname(diag(solve(Rxx)))),
  rw = rw, lmg = unname(lmg), polr = list(beta = unname(coef(po)), se = unname(so$coefficients[1:5, 2]), cuts = unname(po$zeta), ll = as.numeric(logLik(po))),
  brant = list(chi2 = brant, df = 5 * (K - 1)), prc = list(beta = unname(coef(prc)), hc3 = unname(ph)), surface = unname(surf), surface_beta = unname(coef(rs)), surface_r2 = c(summary(rs)$r.squared, summary(dm)$r.squared),
  constraint = c(an$F[2], an[2, "Pr(>F)"]),
  housing = list(sat = as.integer(hs$Sat), infl = as.integer(hs$Infl), type = as.integer(hs$Type), cont = as.integer(hs$Cont), freq = hs$Freq, beta = unname(coef(hp)), se = unname(summary(hp)$coefficients[1:6, 2]), cuts = unname(hp$zeta)))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "drivers_expected.json")
