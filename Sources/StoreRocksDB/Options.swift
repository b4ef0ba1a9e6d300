import CRocksDB

/// The settings of the embedded engine, chosen for a server that idles below 45 MB and starts in milliseconds.
enum Options {
  static func make() -> OpaquePointer {
    // The creators of the C API abort rather than return null.
    let options = rocksdb_options_create()!
    rocksdb_options_set_create_if_missing(options, 1)
    memory(options)
    durability(options)
    compaction(options)
    quiet(options)
    return options
  }

  private static func memory(_ options: OpaquePointer) {
    rocksdb_options_set_write_buffer_size(options, 8 << 20)
    rocksdb_options_set_max_write_buffer_number(options, 4)
    rocksdb_options_set_arena_block_size(options, 256 << 10)
    rocksdb_options_set_max_open_files(options, 256)
    // These never give null: RocksDB allocates with `new`, which ends the process instead.
    let table = rocksdb_block_based_options_create()!
    let cache = rocksdb_cache_create_lru(16 << 20)!  // The same.
    rocksdb_block_based_options_set_block_cache(table, cache)
    rocksdb_cache_destroy(cache)  // The table options hold their own reference.
    rocksdb_block_based_options_set_block_size(table, 8 << 10)
    rocksdb_block_based_options_set_format_version(table, 5)
    rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
    // Indexes and filters count towards the cache, so that memory does not grow with the data.
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1)
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1)
    rocksdb_options_set_block_based_table_factory(options, table)
    rocksdb_block_based_options_destroy(table)
  }

  private static func durability(_ options: OpaquePointer) {
    // A torn record at the end is a write that was never acknowledged; damage anywhere else must not be
    // passed over in silence, so opening fails then (kTolerateCorruptedTailRecords).
    rocksdb_options_set_wal_recovery_mode(options, 0)
    // Opening replays what was not flushed: this bounds it.
    rocksdb_options_set_max_total_wal_size(options, 24 << 20)
    rocksdb_options_set_bytes_per_sync(options, 1 << 20)
    rocksdb_options_set_allow_concurrent_memtable_write(options, 0)  // One thread writes.
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1)
    rocksdb_options_set_skip_checking_sst_file_sizes_on_db_open(options, 1)
  }

  private static func compaction(_ options: OpaquePointer) {
    rocksdb_options_set_max_background_jobs(options, 2)
    rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
    rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
    rocksdb_options_set_target_file_size_base(options, 16 << 20)
    rocksdb_options_set_max_bytes_for_level_base(options, 64 << 20)
    // Queues leave deleted keys in runs; a file with such a run is compacted soon.
    rocksdb_options_add_compact_on_deletion_collector_factory(options, 1000, 500)
  }

  private static func quiet(_ options: OpaquePointer) {
    rocksdb_options_set_info_log_level(options, 2)  // Warnings.
    rocksdb_options_set_max_log_file_size(options, 1 << 20)
    rocksdb_options_set_keep_log_file_num(options, 2)
    rocksdb_options_set_stats_dump_period_sec(options, 0)
    rocksdb_options_set_stats_persist_period_sec(options, 0)
  }
}
