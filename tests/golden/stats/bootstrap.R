# Writes bootstrap.csv, bootstrap_replicates.csv and bootstrap_data.csv, references of intervals.
# Run in this folder: Rscript bootstrap.R
# Needs Debian's r-base-core and r-cran-boot. The resamples cannot be drawn alike in two languages, so
# the replicates and the influence values are written out, and the interval is compared given them.
suppressPackageStartupMessages(library(boot))
source("columns.R")

set.seed(20260304)
group <- rep(c("treated", "control"), c(15, 12))
value <- round(c(rexp(15, 0.6), rnorm(12, 1, 0.5)), 4)
one <- round(rexp(20), 4)

mean_difference <- function(v, i) {
  mean(v[i][group[i] == "treated"]) - mean(v[i][group[i] == "control"])
}
runs <- list(
  one_sample = boot(one, function(v, i) mean(v[i]), R = 499),
  two_samples = boot(value, mean_difference, R = 499, strata = factor(group))
)
out <- data.frame()
replicates <- data.frame()
for (case in names(runs)) {
  run <- runs[[case]]
  influence <- empinf(run, type = "jack")
  limits <- boot.ci(run, type = "bca", L = influence)$bca[4:5]
  out <- rbind(out, data.frame(case = case, estimate = run$t0, std_error = sd(run$t),
                               conf_low = limits[1], conf_high = limits[2]))
  replicates <- rbind(replicates, data.frame(case = case, replicate = as.vector(run$t)))
}
save_csv(out, "bootstrap.csv")
save_csv(replicates, "bootstrap_replicates.csv")
data <- rbind(data.frame(case = "one_sample", group = "", value = one),
              data.frame(case = "two_samples", group, value))
data$influence <- c(empinf(runs$one_sample, type = "jack"), empinf(runs$two_samples, type = "jack"))
save_csv(data, "bootstrap_data.csv")
