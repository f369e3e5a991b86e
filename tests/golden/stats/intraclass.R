# Writes intraclass_data.csv, intraclass.csv and variance_components.csv, the references of intraclass and of
# variance_components.
# Run in this folder: Rscript intraclass.R
# Needs Debian's r-base-core, r-cran-psych and r-cran-lme4. psych::ICC is asked for the mean squares of aov
# and not for those of lmer, which are iterated; variance components are solved from the mean squares of
# aov, and checked against REML by lmer, which gives the same where none is negative.
suppressPackageStartupMessages({
  library(psych)
  library(lme4)
})
source("columns.R")

set.seed(20260304)
made <- function(units, judges, repeats, sd) {
  cells <- expand.grid(unit = seq_len(units), judge = seq_len(judges), rep = seq_len(repeats))
  crossed <- rnorm(units * judges, 0, sd[["interaction"]])
  cells$rating <- round(rnorm(units, 0, sd[["unit"]])[cells$unit] +
    rnorm(judges, 0, sd[["judge"]])[cells$judge] +
    crossed[cells$unit + units * (cells$judge - 1)] +
    rnorm(nrow(cells), 5, sd[["residual"]]), 3)
  cells
}
sd <- function(unit, judge, interaction, residual) {
  c(unit = unit, judge = judge, interaction = interaction, residual = residual)
}
shrout <- c(9, 6, 8, 7, 10, 6, 2, 1, 4, 1, 5, 2, 5, 3, 6, 2, 6, 4, 8, 2, 8, 6, 9, 7)
cases <- list(
  shrout_fleiss = data.frame(unit = rep(1:6, 4), judge = rep(1:4, each = 6), rep = 1, rating = shrout),
  thirty = made(30, 3, 1, sd(1, 0.5, 0, 0.7)),
  two_judges = made(12, 2, 1, sd(1, 0.2, 0, 0.4)),
  no_units = made(10, 4, 1, sd(0, 1, 0, 1)),
  repeated = made(15, 4, 3, sd(1, 0.6, 0.5, 0.8)),
  no_judges = made(12, 3, 2, sd(1, 0, 0.6, 0.5)),
  no_interaction = made(10, 5, 4, sd(0.8, 0.5, 0, 1))
)

out <- data.frame()
components <- data.frame()
for (case in names(cases)) {
  cells <- cases[[case]]
  cells$unit <- factor(cells$unit)
  cells$judge <- factor(cells$judge)
  a <- nlevels(cells$unit)
  b <- nlevels(cells$judge)
  r <- max(cells$rep)
  if (r == 1) {
    wide <- matrix(cells$rating, a, b)
    for (confidence in c(0.95, 0.9)) {
      found <- ICC(wide, missing = FALSE, lmer = FALSE, alpha = 1 - confidence)$results
      out <- rbind(out, data.frame(case = case, confidence = confidence, method = found$type,
                                   estimate = found$ICC, statistic = found$F, df1 = found$df1,
                                   df2 = found$df2, p_value = found$p, conf_low = found$`lower bound`,
                                   conf_high = found$`upper bound`))
    }
    ms <- summary(aov(rating ~ unit + judge, cells))[[1]][["Mean Sq"]]
    raw <- c((ms[1] - ms[3]) / b, (ms[2] - ms[3]) / a, NA, ms[3])
    fit <- lmer(rating ~ (1 | unit) + (1 | judge), cells)
    by_lmer <- as.data.frame(VarCorr(fit))
    by_lmer <- c(by_lmer$vcov[match(c("unit", "judge"), by_lmer$grp)], NA, sigma(fit)^2)
  } else {
    ms <- summary(aov(rating ~ unit * judge, cells))[[1]][["Mean Sq"]]
    raw <- c((ms[1] - ms[3]) / (b * r), (ms[2] - ms[3]) / (a * r), (ms[3] - ms[4]) / r, ms[4])
    fit <- suppressMessages(lmer(rating ~ (1 | unit) + (1 | judge) + (1 | unit:judge), cells))
    by_lmer <- as.data.frame(VarCorr(fit))
    by_lmer <- c(by_lmer$vcov[match(c("unit", "judge", "unit:judge"), by_lmer$grp)], sigma(fit)^2)
  }
  if (all(raw >= 0, na.rm = TRUE)) {
    stopifnot(all.equal(raw, by_lmer, tolerance = 1e-3))
  }
  known <- pmax(raw, 0)
  components <- rbind(components, data.frame(case = case,
                                             component = c("unit", "judge", "interaction", "residual"),
                                             raw = raw, estimate = known,
                                             share = known / sum(known, na.rm = TRUE)))
}
data <- do.call(rbind, lapply(names(cases), function(case) cbind(case = case, cases[[case]])))
save_csv(data, "intraclass_data.csv")
save_csv(out, "intraclass.csv")
save_csv(components, "variance_components.csv")
