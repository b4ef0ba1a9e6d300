enum SQSPlaceholder {}
