# Gaps of items, cells, dimensions and stages with missing answers, and alpha on pairwise moments, by base R and psych.
# Input: simulated.csv (the answers), simulated_items.csv (item, stage, dimension).  Output: simulated_expected.csv.
# Run in this folder:  Rscript simulated.R > simulated_session.txt
suppressMessages(library(psych))
answers <- read.csv("simulated.csv")
items <- read.csv("simulated_items.csv", stringsAsFactors = FALSE)
E <- as.matrix(answers[, paste0(items$item, "_E")])
P <- as.matrix(answers[, paste0(items$item, "_P")])
NAP <- as.matrix(answers[, paste0(items$item, "_P__na")])
out <- data.frame()
add <- function(level, id, stat, value) out <<- rbind(out, data.frame(level, id, stat, value = sprintf("%.15g", value)))

tell <- function(level, id, d, e, p) {
  d <- d[!is.na(d)]
  add(level, id, "n", length(d)); add(level, id, "gap", mean(d))
  t <- t.test(d)
  add(level, id, "t", unname(t$statistic)); add(level, id, "p_t", t$p.value)
  add(level, id, "low", t$conf.int[1]); add(level, id, "high", t$conf.int[2])
  add(level, id, "d_z", mean(d) / sd(d))
  add(level, id, "servperf", mean(p, na.rm = TRUE)); add(level, id, "n_servperf", sum(!is.na(p)))
  add(level, id, "expectation", mean(e, na.rm = TRUE))
}
half <- function(x, k) { m <- rowMeans(x, na.rm = TRUE); m[rowSums(!is.na(x)) < ceiling(k / 2)] <- NA; m }

# The screen: more than 20 % blank among all 2k ratings (not applicable is not blank) leaves the composites.
blank <- (rowSums(is.na(E)) + rowSums(is.na(P) & NAP == 0)) / (2 * nrow(items))
kept <- blank <= 0.20
add("meta", "screen", "n_composites", sum(kept))
D <- P - E
for (j in seq_len(nrow(items))) tell("items", items$item[j], D[, j], E[, j], P[, j])
composite <- function(level, id, which) {
  k <- length(which)
  x <- function(m) half(m[kept, which, drop = FALSE], k)
  tell(level, id, x(D), x(E), x(P))
}
cell <- paste(items$stage, items$dimension, sep = ".")
for (id in unique(cell)) composite("cells", id, which(cell == id))
for (id in unique(items$dimension)) composite("dimensions", id, which(items$dimension == id))
for (id in unique(items$stage)) composite("stages", id, which(items$stage == id))
dims <- sapply(unique(items$dimension), function(id) {
  w <- which(items$dimension == id); half(D[kept, w, drop = FALSE], length(w)) })
sq <- rowMeans(dims)  # missing when any dimension is
add("overall", "overall", "gap", mean(sq, na.rm = TRUE)); add("overall", "overall", "n", sum(!is.na(sq)))
w <- as.matrix(answers[kept, paste0("importance__", unique(items$dimension))])
add("overall", "overall_weighted", "gap", mean(rowSums(dims * w) / rowSums(w), na.rm = TRUE))

family <- function(level) { o <- out[out$level == level & out$stat == "p_t", ]; p <- as.numeric(o$value)
  for (m in c("holm", "BH")) { q <- p.adjust(p, m); for (i in seq_along(q)) add(level, o$id[i], paste0("p_", tolower(m)), q[i]) } }
for (level in c("items", "cells", "dimensions", "stages")) family(level)

alpha_of <- function(column, x) {
  for (id in c("total", unique(items$dimension))) {
    w <- if (id == "total") seq_len(nrow(items)) else which(items$dimension == id)
    a <- suppressWarnings(psych::alpha(as.data.frame(x[, w]), check.keys = FALSE, warnings = FALSE))
    add(paste0("alpha_", column), id, "raw", a$total$raw_alpha); add(paste0("alpha_", column), id, "std", a$total$std.alpha)
  }
}
alpha_of("expectation", E); alpha_of("perception", P); alpha_of("gap", D)
write.csv(out, "simulated_expected.csv", row.names = FALSE, quote = FALSE)
print(sessionInfo())
