enum StoreRocksDBPlaceholder {}
