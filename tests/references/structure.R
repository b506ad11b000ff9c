# Exploratory structure and consistency of simulated answers, by psych, lavaan, polycor, GPArotation and boot.
# Input: structure.csv, made by the first lines when it is absent.  Output: structure_expected.json.
# Run in this folder:  FIVEGAPS_REFERENCE=... Rscript structure.R  (without it the one number on real answers is kept)
suppressMessages({library(psych); library(lavaan); library(polycor); library(GPArotation); library(boot); library(jsonlite)})
if (!file.exists("structure.csv")) {
  set.seed(20240101); n <- 240
  phi <- matrix(c(1, .5, .4, .5, 1, .6, .4, .6, 1), 3)
  f <- matrix(rnorm(n * 3), n) %*% chol(phi)
  load <- c(.8, .7, .6, .75, .65, .7, .6, .8, .7)
  z <- f[, rep(1:3, each = 3)] * rep(load, each = n) + matrix(rnorm(n * 9), n) * rep(sqrt(1 - load^2), each = n)
  x <- apply(z, 2, function(v) findInterval(v, c(-1.6, -.9, -.1, .8)) + 1)
  colnames(x) <- paste0("x", 1:9)
  write.csv(x, "structure.csv", row.names = FALSE, quote = FALSE)
}
x <- read.csv("structure.csv"); n <- nrow(x); R <- cor(x); C <- cov(x)
attitude <- as.matrix(datasets::attitude)
plain <- function(m) { m <- unclass(m); attributes(m) <- list(dim = dim(m)); m }
out <- list(); quiet <- function(e) suppressMessages(suppressWarnings(e))

adequate <- function(R, n) { k <- KMO(R); b <- cortest.bartlett(R, n = n)
  list(kmo = k$MSA, msa = unname(k$MSAi), chi2 = b$chisq, df = b$df, p = b$p.value) }
out$adequacy <- list(simulated = adequate(R, n), attitude = adequate(cor(attitude), nrow(attitude)))

o <- x; o[] <- lapply(o, ordered)
pairs <- t(combn(9, 2))
two <- apply(pairs, 1, function(p) polychor(table(x[, p[1]], x[, p[2]]), ML = FALSE))
lav <- plain(as.matrix(quiet(lavCor(o, estimator = "two.step", output = "cor"))))
tab <- matrix(c(30, 0, 8, 12), 2)
out$polychoric <- list(polycor = two, lavaan = lav, table = tab, tetrachoric = quiet(tetrachoric(tab, correct = .5))$rho)
hk <- expand.grid(h = c(-2.5, -1, 0, .3, 2), k = c(-1.7, 0, .4, 1.1), r = c(-.95, -.3, 0, .6, .99))
out$bivariate <- list(h = hk$h, k = hk$k, r = hk$r, p = mapply(function(h, k, r)
  mnormt::sadmvn(c(-Inf, -Inf), c(h, k), c(0, 0), matrix(c(1, r, r, 1), 2), abseps = 1e-14, maxpts = 1e6), hk$h, hk$k, hk$r))

# Unweighted least squares and factanal with tight optimisers; psych for what it reports.
uls <- function(R, f) { obj <- function(u) { e <- eigen(R - diag(u), TRUE); sum(e$values[-(1:f)]^2) / 2 }
  gr <- function(u) { e <- eigen(R - diag(u), TRUE); v <- e$vectors[, -(1:f)]; -drop(v^2 %*% e$values[-(1:f)]) }
  optim(1 - smc(R), obj, gr, method = "L-BFGS-B", lower = .005, upper = 1, control = list(factr = 1e-2, pgtol = 0, maxit = 5000)) }
fa3 <- quiet(fa(R, 3, n.obs = n, rotate = "none", fm = "minres")); ml3 <- quiet(fa(R, 3, n.obs = n, rotate = "none", fm = "ml"))
fit <- function(f) list(chi2 = f$STATISTIC, df = f$dof, p = f$PVAL, tli = f$TLI, rmsea = unname(f$RMSEA[1:3]), bic = f$BIC, rmsr = f$rms, objective = f$objective)
fn <- factanal(covmat = R, factors = 3, n.obs = n, rotation = "none", control = list(nstart = 5, opt = list(factr = 1e2, maxit = 5000)))
A <- plain(fa3$loadings)
ob <- quiet(oblimin(A, eps = 1e-9, maxit = 20000)); vm <- varimax(A, eps = 1e-15)
out$efa <- list(minres = c(fit(fa3), list(loadings = A)), ml = fit(ml3), uls_uniqueness = uls(R, 3)$par,
  factanal_uniqueness = unname(fn$uniquenesses), oblimin = plain(ob$loadings), phi = plain(ob$Phi), varimax = plain(vm$loadings))

pa <- { pdf(NULL); set.seed(1); quiet(fa.parallel(x, n.iter = 500, plot = FALSE)) }
pdf(NULL); v <- quiet(vss(R, n = 8, n.obs = n, plot = FALSE))
out$parallel <- list(pc = pa$pc.values, fa = pa$fa.values, ncomp = pa$ncomp, nfact = pa$nfact, map = v$map)

om <- function(f) { w <- quiet(omega(R, nfactors = f, flip = FALSE, plot = FALSE, two.ok = TRUE))
  list(h = w$omega_h, t = w$omega.tot, limit = w$omega.lim, ecv = unname(w$ECV), group = w$omega.group$group[-1], g = unname(w$schmid$sl[, 1])) }
out$omega <- list(nf3 = om(3), nf2 = om(2))

# One factor to the last digit: in closed form for three items, whose fit is perfect; else factanal, as tight as it will
# converge (where rounding hides the last gains it gives up on the tightest settings).
tight <- function(R, C) { s <- sqrt(diag(C)); q <- R
  if (nrow(R) == 3) l <- sqrt(c(q[1, 2] * q[1, 3] / q[2, 3], q[1, 2] * q[2, 3] / q[1, 3], q[1, 3] * q[2, 3] / q[1, 2]))
  else for (factr in c(1, 10, 100)) { m <- try(factanal(covmat = R, factors = 1, n.obs = n, control = list(opt = list(factr = factr,
    maxit = 9999))), silent = TRUE); if (!inherits(m, "try-error")) { l <- m$loadings[, 1]; break } }
  common <- sum(s * l)^2; c(common / (common + sum(s^2 * (1 - l^2))), common / sum(C)) }
one <- function(items) { d <- x[, items]; C <- cov(d); k <- length(items)
  s <- quiet(splitHalf(d, raw = TRUE, covar = TRUE, check.keys = FALSE, brute = TRUE)); a <- quiet(alpha(d, check.keys = FALSE))
  r <- list(items = items - 1, ase = a$total$ase, lambda6 = a$total[["G6(smc)"]], lambda4 = s$maxrb, mean = s$meanr, least = s$minrb, lambda2 = s$lambda2)
  odd <- seq(1, k, 2); h1 <- rowSums(d[, odd, drop = FALSE]); h2 <- rowSums(d[, -odd, drop = FALSE]); q <- cor(h1, h2)
  r$odd_even <- q; r$stepped <- 2 * q / (1 + q); r$rulon <- 2 * (1 - (var(h1) + var(h2)) / var(h1 + h2))
  if (k > 2) { m <- cfa(paste("f =~", paste(names(d), collapse = "+")), d, std.lv = TRUE)
    e <- lavInspect(m, "est"); l <- sum(e$lambda)^2; r$omega <- l / (l + sum(e$theta)); r$observed <- l / (sum(C) * (nrow(d) - 1) / nrow(d))  # lavaan's own divisor is n
    r$tight <- tight(cor(d), C)
    g <- quiet(fa(cor(d), 1, fm = "minres")); r$omega_minres <- sum(g$loadings)^2 / (sum(g$loadings)^2 + sum(1 - g$loadings^2)) }
  r }
out$scales <- list(total = one(1:9), first = one(1:3), four = one(c(1, 2, 4, 7)), five = one(c(2, 3, 5, 6, 9)), pair = one(1:2))
out$ordinal_alpha <- { r <- mean(lav[lower.tri(lav)]); 9 * r / (1 + 8 * r) }

wide <- cbind(sleep$extra[1:10], sleep$extra[11:20])
i <- quiet(ICC(wide, lmer = FALSE))$results
out$retest <- list(scores = wide, agreement = unlist(i[2, c("ICC", "lower bound", "upper bound")]), consistency = unlist(i[3, c("ICC", "lower bound", "upper bound")]))
att <- cor(attitude[, c("complaints", "learning", "rating")])
w <- r.test(30, r12 = att[1, 3], r13 = att[2, 3], r23 = att[1, 2])
out$williams <- list(data = attitude[, c("complaints", "learning", "rating")], t = w$t, p = w$p)

# Normal-scale interpolation between order statistics and a strict "below": boot.ci differs from ours by its conventions only.
set.seed(3); raw <- function(d, w) { C <- cov(d[w, ]); k <- ncol(C); k / (k - 1) * (1 - sum(diag(C)) / sum(C)) }
b <- boot(as.matrix(x), raw, 4999)
jack <- sapply(seq_len(n), function(i) raw(as.matrix(x)[-i, ], seq_len(n - 1)))
ci <- boot.ci(b, type = "bca", L = (n - 1) * (mean(jack) - jack))$bca[4:5]
out$bootstrap <- list(value = b$t0, bca = ci)

# The lowest of 60 starts: eight ML factors of the kiosk's perceptions have several minima, with Heywood cases.
folder <- Sys.getenv("FIVEGAPS_REFERENCE")
if (folder != "") {
  k <- read.csv(file.path(folder, "kiosk", "kiosk_wide.csv")); q <- sprintf("%02d", 1:24)
  E <- as.matrix(k[paste0("E", q)]); P <- as.matrix(k[paste0("P", q)]); E[E == 0] <- NA; P[P == 0] <- NA
  RP <- cor(P[complete.cases(cbind(E, P)), ]); set.seed(1)
  each <- sapply(1:60, function(i) { f <- try(factanal(covmat = RP, factors = 8, n.obs = 207, start = matrix(runif(24, .05, .95), 24),
    control = list(opt = list(maxit = 5000))), silent = TRUE); if (inherits(f, "try-error")) NA else f$criteria[["objective"]] })
  out$kiosk_p8_objective <- min(each, na.rm = TRUE)
} else out$kiosk_p8_objective <- fromJSON("structure_expected.json")$kiosk_p8_objective  # kept from the run that had it

out$session <- list(R = R.version.string, packages = lapply(c(psych = "psych", lavaan = "lavaan", polycor = "polycor",
  GPArotation = "GPArotation", boot = "boot"), function(p) as.character(packageVersion(p))))
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null"), "structure_expected.json")
