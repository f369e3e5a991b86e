# Writes reliability.csv, what psych makes of the judgements recorded in judgements.csv.
# Run in this folder: Rscript reliability.R
# Needs Debian's r-base-core and r-cran-psych.
suppressPackageStartupMessages(library(psych))

data <- read.csv("judgements.csv")
kappa <- cohen.kappa(data[, c("judge", "people")])
icc <- ICC(data[, c("judge", "people")], lmer = FALSE)$results
out <- data.frame(
  statistic = c("kappa", "weighted_kappa", "icc2"),
  estimate = c(kappa$kappa, kappa$weighted.kappa, icc[icc$type == "ICC2", "ICC"])
)
out$estimate <- format(out$estimate, digits = 17)
write.csv(out, "reliability.csv", row.names = FALSE, quote = FALSE)
