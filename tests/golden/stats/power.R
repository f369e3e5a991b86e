# Writes power.csv, the reference of power: exact powers, detectable effects and group sizes.
# Run in this folder: Rscript power.R
# Needs Debian's r-base-core. power.t.test(strict = TRUE) counts rejections on the wrong side too.
source("columns.R")

out <- data.frame()
for (n in c(2, 5, 10, 15, 25, 100)) {
  for (effect in c(0, 0.2, 0.5, 0.771, 1.0, 1.844)) {
    rate <- if (effect == 0) 0.05 else
      power.t.test(n = n, delta = effect, sd = 1, sig.level = 0.05, strict = TRUE)$power
    out <- rbind(out, data.frame(n = n, effect = effect, power = rate))
  }
}
save_csv(out, "power.csv")

found <- data.frame()
for (n in c(3, 10, 15, 25, 100)) {
  for (wanted in c(0.33, 0.8, 0.9)) {
    f <- function(d) power.t.test(n = n, delta = d, sd = 1, strict = TRUE)$power - wanted
    found <- rbind(found, data.frame(n = n, wanted = wanted,
                                     effect = uniroot(f, c(1e-6, 20), tol = 1e-13)$root))
  }
}
save_csv(found, "power_detectable.csv")
