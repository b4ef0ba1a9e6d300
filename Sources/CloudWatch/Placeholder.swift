enum CloudWatchPlaceholder {}
