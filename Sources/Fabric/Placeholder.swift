enum FabricPlaceholder {}
