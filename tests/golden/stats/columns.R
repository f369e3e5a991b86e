# The columns every reference file shares, and how numbers are written: in the digits that read back as
# the same double, empty for undefined.
# The files were written with R 4.2.2, effectsize 0.8.3, metafor 3.8-1, pROC 1.18.0, coin 1.4-2, sandwich
# 3.0-2, lmtest 0.9-40, psych 2.2.9, boot 1.3-28.1, clubSandwich 0.5.8, lme4 1.1-31 and lmerTest 3.1-3
# (Debian 12).
columns <- function(case = character(), method = character(), estimate = numeric(),
                    std_error = numeric(), conf_low = numeric(), conf_high = numeric(),
                    test = list(df = numeric(), statistic = numeric(), p_value = numeric())) {
  data.frame(case = case, method = method, estimate = estimate, std_error = std_error,
             df = unname(test$df), statistic = unname(test$statistic),
             p_value = unname(test$p_value), conf_low = unname(conf_low),
             conf_high = unname(conf_high), row.names = NULL)
}

save_csv <- function(frame, path) {
  text <- frame
  for (name in names(frame)) {
    if (is.numeric(frame[[name]])) {
      known <- which(!is.na(frame[[name]]))
      values <- frame[[name]][known]
      digits <- sprintf("%.15g", values)
      longer <- as.numeric(digits) != values
      digits[longer] <- sprintf("%.17g", values[longer])
      text[[name]] <- ""
      text[[name]][known] <- digits
    }
  }
  write.csv(text, path, row.names = FALSE, quote = FALSE)
}
