# Writes multiplicity.csv, the reference of multiplicity. Run in this folder: Rscript multiplicity.R
# Needs Debian's r-base-core. An empty p is a test that could not be done.
source("columns.R")

set.seed(20260304)
families <- list(
  spread = c(0.001, 0.04, 0.03, 0.2, 0.9, 0.005),
  ties = c(0.02, 0.02, 0.02, 0.5),
  missing = c(0.01, NA, 0.04, NA, 0.03),
  bounds = c(0, 1, 0.5, 1),
  one = 0.03,
  sixteen = round(runif(16)^3, 6)
)
out <- do.call(rbind, lapply(names(families), function(family) {
  p <- families[[family]]
  data.frame(family = family, p_value = p, holm = p.adjust(p, "holm"),
             benjamini_hochberg = p.adjust(p, "BH"))
}))
save_csv(out, "multiplicity.csv")
