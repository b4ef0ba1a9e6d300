enum TestCloudPlaceholder {}
