# Writes mixed_data.csv and mixed.csv, the references of mixed.
# Run in this folder: Rscript mixed.R
# Needs Debian's r-base-core, r-cran-lme4 and r-cran-lmertest. lme4 searches without derivatives, which
# finds a variance to about the square root of the machine's precision at best.
suppressPackageStartupMessages({
  library(lme4)
  library(lmerTest)
})
source("columns.R")

set.seed(20260304)
levels5 <- c(0, 2, 5, 8, 10)
made <- function(groups, each, intercept_sd, slope_sd, correlation = 0, kept = 1) {
  data <- expand.grid(unit = seq_len(each), level = levels5, group = seq_len(groups))[, 3:2]
  slopes <- rnorm(groups)
  intercepts <- intercept_sd * (correlation * slopes + sqrt(1 - correlation^2) * rnorm(groups))
  data$outcome <- intercepts[data$group] + (0.05 + slope_sd * slopes[data$group]) * data$level +
    rnorm(nrow(data))
  data$outcome <- round(data$outcome, 4)
  data[runif(nrow(data)) < kept, ]
}
z_scored <- function(data) {
  data$outcome <- ave(data$outcome, data$group, FUN = function(y) (y - mean(y)) / sd(y))
  data$outcome <- round(data$outcome, 6)
  data
}
cases <- list(
  sixteen = made(16, 5, 0.8, 0.12, 0.4),
  uneven = made(8, 6, 0.5, 0.2, -0.6, 0.6),
  z_scored = z_scored(made(16, 4, 1, 0.15)),
  z_scored_uneven = z_scored(made(9, 8, 1, 0.15, 0, 0.7)),
  two = made(2, 8, 1, 0.3),
  alike = made(6, 6, 0, 0)
)
# The same mean at every level of every group: slopes agree more than chance would have them.
cases$alike$outcome <- cases$alike$outcome -
  ave(cases$alike$outcome, cases$alike$group, cases$alike$level) + 0.1 * cases$alike$level

precise <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11, maxfun = 1e5),
                       check.conv.singular = "ignore", calc.derivs = FALSE)
none <- list(df = NA, statistic = NA, p_value = NA)

out <- columns()
add <- function(...) out <<- rbind(out, columns(...))
for (name in names(cases)) {
  data <- cases[[name]]
  groups <- length(unique(data$group))
  data$within <- data$level - ave(data$level, data$group)
  models <- list(slope = outcome ~ within + (0 + within | group),
                 intercept_and_slope = outcome ~ level + (1 + level | group))
  if (startsWith(name, "z_scored")) models <- models["slope"]
  if (name == "two") models <- models["slope"]
  for (model in names(models)) {
    fit <- lmer(models[[model]], data = data, REML = TRUE, control = precise)
    estimate <- fixef(fit)[2]
    std_error <- sqrt(vcov(fit)[2, 2])
    margin <- qt(0.975, groups - 1) * std_error
    t <- estimate / std_error
    add(name, model, estimate, std_error, estimate - margin, estimate + margin,
        list(df = groups - 1, statistic = t, p_value = 2 * pt(-abs(t), groups - 1)))
    sds <- as.data.frame(VarCorr(fit))
    varied <- function(first, second = NA) {
      row <- sds$grp != "Residual" & sds$var1 == first & sds$var2 %in% second
      sds$sdcor[row]
    }
    slope <- all.vars(models[[model]])[2]
    add(name, paste0(model, "_slope_sd"), varied(slope), NA, NA, NA, none)
    add(name, paste0(model, "_residual_sd"), sigma(fit), NA, NA, NA, none)
    if (model == "intercept_and_slope") {
      add(name, paste0(model, "_intercept_sd"), varied("(Intercept)"), NA, NA, NA, none)
      correlation <- varied("(Intercept)", slope)
      if (is.nan(correlation)) correlation <- NA
      add(name, paste0(model, "_correlation"), correlation, NA, NA, NA, none)
    }
    if (varied(slope) > 0) {
      tested <- summary(lmerTest::lmer(models[[model]], data = data, control = precise),
                        ddf = "Satterthwaite")
      add(name, paste0(model, "_satterthwaite"), NA, NA, NA, NA,
          list(df = coef(tested)[2, "df"], statistic = NA, p_value = NA))
    }
  }
}

data <- do.call(rbind, lapply(names(cases), function(name) {
  cbind(case = name, cases[[name]][c("group", "level", "outcome")])
}))
save_csv(data, "mixed_data.csv")
save_csv(out, "mixed.csv")
