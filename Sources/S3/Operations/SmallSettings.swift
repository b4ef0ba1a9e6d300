import Base
import Fabric
import Store
import Wire

extension PutBucketRequestPaymentInput: BucketInput {}
extension GetBucketRequestPaymentInput: BucketInput {}
extension PutBucketAccelerateConfigurationInput: BucketInput {}
extension GetBucketAccelerateConfigurationInput: BucketInput {}
extension PutBucketLoggingInput: BucketInput {}
extension GetBucketLoggingInput: BucketInput {}
extension GetBucketReplicationInput: BucketInput {}
extension DeleteBucketReplicationInput: BucketInput {}

/// Who pays, acceleration, and what is off and cannot be put on: logging and replication.
extension S3Service {
  var smallSettingOperations: [Operation] {
    [
      Operation("PutBucketRequestPayment", access: access("PutBucketRequestPayment"), run: putBucketRequestPayment),
      Operation("GetBucketRequestPayment", access: access("GetBucketRequestPayment"), run: getBucketRequestPayment),
      Operation("PutBucketAccelerateConfiguration", access: access("PutAccelerateConfiguration"), run: putBucketAcceleration),
      Operation("GetBucketAccelerateConfiguration", access: access("GetAccelerateConfiguration"), run: getBucketAcceleration),
      Operation("PutBucketLogging", access: access("PutBucketLogging"), run: putBucketLogging),
      Operation("GetBucketLogging", access: access("GetBucketLogging"), run: getBucketLogging),
      Operation("GetBucketReplication", access: access("GetReplicationConfiguration"), run: getBucketReplication),
      Operation("DeleteBucketReplication", access: access("PutReplicationConfiguration"), run: deleteBucketReplication),
    ]
  }

  private func putBucketRequestPayment(_ input: PutBucketRequestPaymentInput, _ call: Call) async throws {
    guard ["BucketOwner", "Requester"].contains(input.requestPaymentConfiguration.payer) else { throw S3Error.malformedXML }
    try await put(input.requestPaymentConfiguration.record, as: .requestPayment, of: input.bucket)
  }

  private func getBucketRequestPayment(
    _ input: GetBucketRequestPaymentInput, _ call: Call
  ) async throws -> GetBucketRequestPaymentOutput {
    var output = GetBucketRequestPaymentOutput()
    output.payer = try await buckets.existing(input.bucket).requesterPays ? "Requester" : "BucketOwner"
    return output
  }

  /// Kept and shown; nothing here is farther away than anything else.
  private func putBucketAcceleration(_ input: PutBucketAccelerateConfigurationInput, _ call: Call) async throws {
    guard let status = input.accelerateConfiguration.status, ["Enabled", "Suspended"].contains(status) else { throw S3Error.malformedXML }
    if input.bucket.contains(".") {
      throw S3Error.invalidRequest("S3 Transfer Acceleration is not supported for buckets with periods (.) in their names")
    }
    try await put(input.accelerateConfiguration.record, as: .accelerate, of: input.bucket)
  }

  private func getBucketAcceleration(
    _ input: GetBucketAccelerateConfigurationInput, _ call: Call
  ) async throws -> GetBucketAccelerateConfigurationOutput {
    var output = GetBucketAccelerateConfigurationOutput()
    output.status = try await buckets.existing(input.bucket).settings.get(.accelerate, as: AccelerateConfiguration.self)?.status
    return output
  }

  /// Off is what logging is; nobody writes access logs here.
  private func putBucketLogging(_ input: PutBucketLoggingInput, _ call: Call) async throws {
    _ = try await buckets.existing(input.bucket)
    if input.bucketLoggingStatus.loggingEnabled != nil { throw S3Error.notImplemented("server access logs of buckets") }
  }

  private func getBucketLogging(_ input: GetBucketLoggingInput, _ call: Call) async throws -> GetBucketLoggingOutput {
    _ = try await buckets.existing(input.bucket)
    return GetBucketLoggingOutput()
  }

  private func getBucketReplication(_ input: GetBucketReplicationInput, _ call: Call) async throws -> GetBucketReplicationOutput {
    _ = try await buckets.existing(input.bucket)
    throw S3Error.noReplication(input.bucket)
  }

  private func deleteBucketReplication(_ input: DeleteBucketReplicationInput, _ call: Call) async throws {
    _ = try await buckets.existing(input.bucket)
  }
}

extension GetBucketAnalyticsConfigurationInput: BucketInput {}
extension DeleteBucketAnalyticsConfigurationInput: BucketInput {}
extension ListBucketAnalyticsConfigurationsInput: BucketInput {}
extension GetBucketInventoryConfigurationInput: BucketInput {}
extension DeleteBucketInventoryConfigurationInput: BucketInput {}
extension ListBucketInventoryConfigurationsInput: BucketInput {}
extension GetBucketMetricsConfigurationInput: BucketInput {}
extension DeleteBucketMetricsConfigurationInput: BucketInput {}
extension ListBucketMetricsConfigurationsInput: BucketInput {}
extension GetBucketIntelligentTieringConfigurationInput: BucketInput {}
extension DeleteBucketIntelligentTieringConfigurationInput: BucketInput {}
extension ListBucketIntelligentTieringConfigurationsInput: BucketInput {}

/// Analytics, inventory, metrics and tiering cannot be put, as nobody would act on them; so there are none to get, delete or list.
extension S3Service {
  var absentOperations: [Operation] {
    [
      absent("GetBucketAnalyticsConfiguration", "GetAnalyticsConfiguration") { (_: GetBucketAnalyticsConfigurationInput) in },
      absent("DeleteBucketAnalyticsConfiguration", "PutAnalyticsConfiguration") { (_: DeleteBucketAnalyticsConfigurationInput) in },
      absent("GetBucketInventoryConfiguration", "GetInventoryConfiguration") { (_: GetBucketInventoryConfigurationInput) in },
      absent("DeleteBucketInventoryConfiguration", "PutInventoryConfiguration") { (_: DeleteBucketInventoryConfigurationInput) in },
      absent("GetBucketMetricsConfiguration", "GetMetricsConfiguration") { (_: GetBucketMetricsConfigurationInput) in },
      absent("DeleteBucketMetricsConfiguration", "PutMetricsConfiguration") { (_: DeleteBucketMetricsConfigurationInput) in },
      absent("GetBucketIntelligentTieringConfiguration", "GetIntelligentTieringConfiguration") {
        (_: GetBucketIntelligentTieringConfigurationInput) in
      },
      absent("DeleteBucketIntelligentTieringConfiguration", "PutIntelligentTieringConfiguration") {
        (_: DeleteBucketIntelligentTieringConfigurationInput) in
      },
      Operation("ListBucketAnalyticsConfigurations", access: access("GetAnalyticsConfiguration")) {
        (input: ListBucketAnalyticsConfigurationsInput, _) in
        _ = try await self.buckets.existing(input.bucket)
        var none = ListBucketAnalyticsConfigurationsOutput()
        none.isTruncated = false
        return none
      },
      Operation("ListBucketInventoryConfigurations", access: access("GetInventoryConfiguration")) {
        (input: ListBucketInventoryConfigurationsInput, _) in
        _ = try await self.buckets.existing(input.bucket)
        var none = ListBucketInventoryConfigurationsOutput()
        none.isTruncated = false
        return none
      },
      Operation("ListBucketMetricsConfigurations", access: access("GetMetricsConfiguration")) {
        (input: ListBucketMetricsConfigurationsInput, _) in
        _ = try await self.buckets.existing(input.bucket)
        var none = ListBucketMetricsConfigurationsOutput()
        none.isTruncated = false
        return none
      },
      Operation("ListBucketIntelligentTieringConfigurations", access: access("GetIntelligentTieringConfiguration")) {
        (input: ListBucketIntelligentTieringConfigurationsInput, _) in
        _ = try await self.buckets.existing(input.bucket)
        var none = ListBucketIntelligentTieringConfigurationsOutput()
        none.isTruncated = false
        return none
      },
    ]
  }

  private func absent<Input: BucketInput>(
    _ name: String, _ action: String, _ input: @escaping @Sendable (Input) -> Void
  ) -> Operation {
    Operation(name, access: access(action)) { (input: Input, _: Call) async throws -> Void in
      _ = try await self.buckets.existing(input.bucket)
      throw S3Error.noConfiguration(input.bucket)
    }
  }
}
