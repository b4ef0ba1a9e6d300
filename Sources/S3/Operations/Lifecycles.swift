import Base
import Fabric
import Store
import Wire

extension PutBucketLifecycleConfigurationInput: BucketInput {}
extension GetBucketLifecycleConfigurationInput: BucketInput {}
extension DeleteBucketLifecycleInput: BucketInput {}

/// The lifecycle configuration of a bucket; `LifecycleWorker` acts on it.
extension S3Service {
  var lifecycleOperations: [Operation] {
    [
      Operation("PutBucketLifecycleConfiguration", access: access("PutLifecycleConfiguration"), run: putBucketLifecycle),
      Operation("GetBucketLifecycleConfiguration", access: access("GetLifecycleConfiguration"), run: getBucketLifecycle),
      Operation("DeleteBucketLifecycle", access: access("PutLifecycleConfiguration"), run: deleteBucketLifecycle),
    ]
  }

  private func putBucketLifecycle(
    _ input: PutBucketLifecycleConfigurationInput, _ call: Call
  ) async throws -> PutBucketLifecycleConfigurationOutput {
    guard let wanted = input.lifecycleConfiguration else { throw S3Error.malformedXML }
    let minimum = input.transitionDefaultMinimumObjectSize ?? "all_storage_classes_128K"
    guard ["all_storage_classes_128K", "varies_by_storage_class"].contains(minimum) else {
      throw S3Error.invalidArgument("Invalid transition default minimum object size.", "x-amz-transition-default-minimum-object-size", minimum)
    }
    var kept = GetBucketLifecycleConfigurationOutput()
    kept.rules = try LifecycleCheck.completed(wanted.rules) { Array(ambient.uuid().utf8).base64 }
    kept.transitionDefaultMinimumObjectSize = minimum
    let record = kept.record
    try await change(input.bucket) { state, rows in
      try rows.put(record, as: .lifecycle, of: state.bucket)
      try rows.set(Keys.lifecycle(of: state.bucket.name), [])
    }
    lifecycleNudge.nudge()
    var output = PutBucketLifecycleConfigurationOutput()
    output.transitionDefaultMinimumObjectSize = minimum
    return output
  }

  private func getBucketLifecycle(
    _ input: GetBucketLifecycleConfigurationInput, _ call: Call
  ) async throws -> GetBucketLifecycleConfigurationOutput {
    try await shown(.lifecycle, of: input.bucket, orElse: S3Error.noLifecycle(input.bucket))
  }

  private func deleteBucketLifecycle(_ input: DeleteBucketLifecycleInput, _ call: Call) async throws {
    try await change(input.bucket) { state, rows in
      try rows.put(nil, as: .lifecycle, of: state.bucket)
      try rows.delete(Keys.lifecycle(of: state.bucket.name))
    }
  }
}
