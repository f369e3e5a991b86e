# Writes misclassification.csv, the reference of misclassification.
# Run in this folder: Rscript misclassification.R
# Needs Debian's r-base-core. Equations are numbered as in Lang & Reiczigel (2014); asht::prevSeSp, which is
# not in Debian, has the same, and reads (1 - P)^2 where equation 4 prints (1 + P)^2.
source("columns.R")

cases <- expand.grid(positive = c(0, 7, 60, 150, 200), n = c(200, 260), found = c(12, 45, 50),
                     trials_found = 50, passed = c(20, 27, 30), trials_passed = 30)
cases <- subset(cases, found / trials_found + passed / trials_passed > 1)
out <- do.call(rbind, lapply(seq_len(nrow(cases)), function(row) {
  with(cases[row, ], {
    ap <- positive / n
    se <- found / trials_found
    sp <- passed / trials_passed
    z <- qnorm(0.975)
    equation_2 <- function(ap, se, sp) (ap + sp - 1) / (se + sp - 1)
    equation_4 <- function(ap, se, sp, n, n_se, n_sp) {
      p <- equation_2(ap, se, sp)
      (ap * (1 - ap) / n + p^2 * se * (1 - se) / n_se + (1 - p)^2 * sp * (1 - sp) / n_sp) /
        (se + sp - 1)^2
    }
    more_n <- n + z^2
    more_ap <- (n * ap + z^2 / 2) / more_n
    more_se <- (trials_found * se + 1) / (trials_found + 2)
    more_sp <- (trials_passed * sp + 1) / (trials_passed + 2)
    p <- equation_2(more_ap, more_se, more_sp)
    equation_17 <- 2 * z^2 * (p * more_se * (1 - more_se) / (trials_found + 2) -
                              (1 - p) * more_sp * (1 - more_sp) / (trials_passed + 2))
    root <- sqrt(equation_4(more_ap, more_se, more_sp, more_n, trials_found + 2, trials_passed + 2))
    cut <- function(x) pmin(pmax(x, 0), 1)
    limits <- cut(p + equation_17 + c(-1, 1) * z * root)
    raw <- equation_2(ap, se, sp)
    std_error <- sqrt(equation_4(ap, se, sp, n, trials_found, trials_passed))
    delta <- cut(raw + c(-1, 1) * z * std_error)
    data.frame(cases[row, ], raw, estimate = cut(raw), std_error, conf_low = limits[1],
               conf_high = limits[2], delta_low = delta[1], delta_high = delta[2])
  })
}))
save_csv(out, "misclassification.csv")
