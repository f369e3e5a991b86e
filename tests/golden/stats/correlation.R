# Writes correlation_data.csv, correlation.csv and correlation_left_out.csv, references of correlation.
# Run in this folder: Rscript correlation.R
# Needs Debian's r-base-core and r-cran-psych. The intervals of Bonett & Wright and of Fieller, Hartley &
# Pearson are in neither, and are computed here.
suppressPackageStartupMessages(library(psych))
source("columns.R")

set.seed(20260304)
index <- round(rnorm(16, 55, 18))
cases <- list(
  sixteen = list(x = index, y = index / 40 + rnorm(16)),
  none = list(x = rnorm(30), y = rnorm(30)),
  ties = list(x = rpois(25, 2), y = rpois(25, 3)),
  negative = list(x = rnorm(7), y = NULL),
  seven_ties = list(x = c(1, 1, 2, 3, 3, 4, 5), y = c(2, 1, 2, 2, 5, 4, 4)),
  five = list(x = c(1, 2, 3, 4, 6), y = c(2, 1, 4, 3, 3.5)),
  four = list(x = c(1, 2, 3, 4), y = c(2, 1, 4, 3)),
  sixty = list(x = rnorm(60), y = NULL)
)
cases$negative$y <- -cases$negative$x + rnorm(7, 0, 0.8)
cases$sixty$y <- cases$sixty$x + rnorm(60)
cases <- lapply(cases, lapply, round, 4)

fisher <- function(r, se) tanh(atanh(r) + c(-1, 1) * qnorm(0.975) * se)
orders <- function(n) {
  if (n == 1) return(matrix(1L))
  smaller <- orders(n - 1)
  do.call(rbind, lapply(1:n, function(first) cbind(first, smaller + (smaller >= first))))
}

out <- columns()
left_out <- data.frame()
for (name in names(cases)) {
  x <- cases[[name]]$x
  y <- cases[[name]]$y
  n <- length(x)
  add <- function(...) out <<- rbind(out, columns(name, ...))

  pearson <- cor.test(x, y)
  r <- unname(pearson$estimate)
  stopifnot(all.equal(as.numeric(r.con(r, n)), as.numeric(pearson$conf.int)))
  add("pearson", r, r / unname(pearson$statistic), pearson$conf.int[1], pearson$conf.int[2],
      list(df = n - 2, statistic = pearson$statistic, p_value = pearson$p.value))

  spearman <- suppressWarnings(cor.test(x, y, method = "spearman", exact = FALSE))
  rho <- unname(spearman$estimate)
  stopifnot(all.equal(r.test(n, rho)$p, spearman$p.value))
  ci <- fisher(rho, sqrt((1 + rho^2 / 2) / (n - 3)))
  t <- rho * sqrt((n - 2) / (1 - rho^2))
  add("spearman", rho, rho / t, ci[1], ci[2],
      list(df = n - 2, statistic = t, p_value = spearman$p.value))

  exact <- n < 50 && !anyDuplicated(x) && !anyDuplicated(y)
  kendall <- cor.test(x, y, method = "kendall", exact = exact)
  tau <- unname(kendall$estimate)
  ci <- if (n > 4) fisher(tau, sqrt(0.437 / (n - 4))) else c(NA, NA)
  add("kendall", tau, NA, ci[1], ci[2],
      list(df = NA, statistic = if (exact) NA else kendall$statistic, p_value = kendall$p.value))

  if (n <= 7) {
    all_orders <- orders(n)
    for (method in c("pearson", "spearman", "kendall")) {
      values <- apply(all_orders, 1, function(order) cor(x, y[order], method = method))
      observed <- cor(x, y, method = method)
      p <- mean(abs(values) >= abs(observed) - 1e-9)
      add(paste0("permutation_", method), observed, NA, NA, NA,
          list(df = NA, statistic = NA, p_value = p))
    }
  }
  if (n > 4) {
    for (method in c("pearson", "spearman", "kendall")) {
      without <- sapply(seq_len(n), function(i) cor(x[-i], y[-i], method = method))
      left_out <- rbind(left_out, data.frame(case = name, method = method,
                                             unit = seq_len(n) - 1, coefficient = without))
    }
  }
}

data <- do.call(rbind, lapply(names(cases), function(name) {
  data.frame(case = name, x = cases[[name]]$x, y = cases[[name]]$y)
}))
save_csv(data, "correlation_data.csv")
save_csv(out, "correlation.csv")
save_csv(left_out, "correlation_left_out.csv")
