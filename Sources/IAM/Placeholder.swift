enum IAMPlaceholder {}
