# Writes replication_g.csv, replication_r.csv and replication_d33.csv, the references of replication.
# Run in this folder: Rscript replication.R
# Needs Debian's r-base-core and r-cran-metafor. The prediction intervals of Patil, Peng & Leek (2016)
# are computed here by their formula; metafor gives the variances of g.
suppressPackageStartupMessages(library(metafor))
source("columns.R")

variance <- function(g, m, n) {
  df <- m + n - 2
  J <- exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2)
  found <- escalc("SMD", m1i = g / J, sd1i = 1, n1i = m, m2i = 0, sd2i = 1, n2i = n, vtype = "UB")
  stopifnot(all.equal(as.numeric(found$yi), g))
  as.numeric(found$vi)
}

out <- data.frame()
for (g in c(-1.844, 0.771, 0)) {
  for (sizes in list(c(15, 15, 15, 15), c(15, 15, 12, 14), c(10, 10, 60, 60), c(8, 21, 4, 5))) {
    se <- sqrt(variance(g, sizes[1], sizes[2]) + variance(g, sizes[3], sizes[4]))
    out <- rbind(out, data.frame(
      published = g, published_treated = sizes[1], published_control = sizes[2],
      treated = sizes[3], control = sizes[4], std_error = se,
      conf_low = g - qnorm(0.975) * se, conf_high = g + qnorm(0.975) * se
    ))
  }
}
save_csv(out, "replication_g.csv")

out <- data.frame()
for (r in c(0.474, -0.9, 0)) {
  for (sizes in list(c(16, 16), c(16, 14), c(4, 100))) {
    half <- qnorm(0.975) * sqrt(1 / (sizes[1] - 3) + 1 / (sizes[2] - 3))
    out <- rbind(out, data.frame(published = r, published_n = sizes[1], n = sizes[2],
                                 conf_low = tanh(atanh(r) - half),
                                 conf_high = tanh(atanh(r) + half)))
  }
}
save_csv(out, "replication_r.csv")

# The effect that a two-sided t test at 5 % finds with a power of a third: base R's noncentral t.
found <- function(d, m, n) {
  df <- m + n - 2
  ncp <- d / sqrt(1 / m + 1 / n)
  pt(qt(0.975, df), df, ncp, lower.tail = FALSE) + pt(-qt(0.975, df), df, ncp)
}
out <- data.frame()
for (sizes in list(c(10, 10), c(15, 15), c(20, 20), c(50, 50), c(8, 21), c(3, 3))) {
  d33 <- uniroot(function(d) found(d, sizes[1], sizes[2]) - 1 / 3, c(1e-6, 10), tol = 1e-14)$root
  if (sizes[1] == sizes[2]) {
    check <- power.t.test(n = sizes[1], delta = d33, sd = 1, strict = TRUE)$power
    stopifnot(all.equal(check, 1 / 3))
  }
  out <- rbind(out, data.frame(treated = sizes[1], control = sizes[2], d33 = d33))
}
save_csv(out, "replication_d33.csv")
