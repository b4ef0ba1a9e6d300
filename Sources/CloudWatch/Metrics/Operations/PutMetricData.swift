import Base
import Fabric
import Wire

extension CloudWatchService {
  var metricOperations: [Operation] {
    [
      Operation(
        "PutMetricData",
        access: { (i: PutMetricDataInput, c) in
          [Access("cloudwatch:PutMetricData", owner: c.account, conditionValues: ["cloudwatch:namespace": [i.namespace]])]
        }, run: putMetricData),
      Operation(
        "GetMetricStatistics",
        access: { (_: GetMetricStatisticsInput, c) in [Access("cloudwatch:GetMetricStatistics", owner: c.account)] },
        run: getMetricStatistics),
      Operation(
        "GetMetricData", access: { (_: GetMetricDataInput, c) in [Access("cloudwatch:GetMetricData", owner: c.account)] },
        run: getMetricData),
      Operation(
        "ListMetrics", access: { (_: ListMetricsInput, c) in [Access("cloudwatch:ListMetrics", owner: c.account)] },
        run: listMetrics),
    ]
  }

  private func putMetricData(_ input: PutMetricDataInput, _ call: Call) async throws {
    if input.entityMetricData != nil { throw MetricsError.unsupported("EntityMetricData") }
    guard !input.namespace.hasPrefix("AWS/") else {
      throw MetricsError.value("The value \(input.namespace) for parameter Namespace is invalid.")
    }
    let data = input.metricData ?? []
    guard !data.isEmpty else { throw MetricsError.missing("The parameter MetricData is required.") }
    guard data.count <= MetricsLimits.data else {
      throw MetricsError.value("The collection MetricData must not have a size greater than \(MetricsLimits.data).")
    }
    let samples = try data.enumerated().map { place, datum in
      try MetricDatumCheck.sample(datum, at: place + 1, namespace: input.namespace, LogScope(call), now: call.now)
    }
    try await metrics.write(samples)
  }
}
