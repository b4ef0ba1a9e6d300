enum LambdaPlaceholder {}
