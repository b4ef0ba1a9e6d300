import Base

extension FunctionConfiguration {
  /// What the API shows of a version.
  /// - Parameters:
  ///   - arn: as the caller named the function: with the qualifier only when one was asked for.
  ///   - showsState: lists leave the state out, as on AWS.
  init(_ version: FunctionVersion, arn: String? = nil, showsState: Bool = true) {
    self.init()
    functionName = version.id.name
    functionArn = arn ?? (version.version == FunctionVersion.latest ? version.id.arn.text : version.qualifiedARN)
    if version.image == nil { (runtime, handler) = (version.runtime, version.handler) }
    role = version.role.text
    (description, self.version, revisionId) = (version.description, version.version, version.revisionID)
    (timeout, memorySize) = (Int(version.timeout.components.seconds), version.memoryMegabytes)
    (codeSize, codeSha256) = (version.codeSize, version.codeSHA256)
    (lastModified, packageType, architectures) = (
      version.lastModified.lambdaTimestamp, version.image == nil ? "Zip" : "Image", [version.architecture]
    )
    if let overrides = version.image?.overrides, !overrides.isEmpty { imageConfigResponse = ImageConfigResponse(overrides) }
    setSurroundings(version)
    if showsState { setState(version) }
  }

  private mutating func setSurroundings(_ version: FunctionVersion) {
    if !version.environment.isEmpty {
      var environment = EnvironmentResponse()
      environment.variables = version.environment
      self.environment = environment
    }
    if let target = version.deadLetterTarget {
      var config = DeadLetterConfig()
      config.targetArn = target.text
      deadLetterConfig = config
    }
    var tracing = TracingConfigResponse()
    tracing.mode = version.tracing.rawValue
    tracingConfig = tracing
    var storage = EphemeralStorage()
    storage.size = version.ephemeralStorageMegabytes
    ephemeralStorage = storage
    var snapStart = SnapStartResponse()
    snapStart.applyOn = version.hasSnapStart ? "PublishedVersions" : "None"
    snapStart.optimizationStatus = version.isSnapshotted ? "On" : "Off"
    self.snapStart = snapStart
    if let vpc = version.vpc {
      var config = VpcConfigResponse()
      (config.subnetIds, config.securityGroupIds) = (vpc.subnets, vpc.securityGroups)
      config.vpcId = vpc.isAttached ? VPCSettings.identifier(of: version.id) : ""
      config.ipv6AllowedForDualStack = vpc.allowsIPv6
      vpcConfig = config
    }
    if !version.layers.isEmpty {
      layers = version.layers.map { reference in
        var layer = LambdaLayer()
        (layer.arn, layer.codeSize) = (reference.arn, reference.codeSize)
        return layer
      }
    }
    var logging = LoggingConfig()
    (logging.logFormat, logging.logGroup) = (version.logFormat.rawValue, version.logGroup)
    (logging.applicationLogLevel, logging.systemLogLevel) = (version.applicationLogLevel, version.systemLogLevel)
    loggingConfig = logging
    if let durable = version.durable {
      var config = DurableConfig()
      (config.executionTimeout, config.retentionPeriodInDays) = (durable.executionTimeout, durable.retentionDays)
      durableConfig = config
    }
  }

  private mutating func setState(_ version: FunctionVersion) {
    switch version.state {
    case .pending:
      (state, stateReason, stateReasonCode) = ("Pending", "The function is being created.", "Creating")
      return
    case .active: state = "Active"
    case .failed(let reason, let code): (state, stateReason, stateReasonCode) = ("Failed", reason, code)
    }
    switch version.updateStatus {
    case .successful: lastUpdateStatus = "Successful"
    case .inProgress:
      lastUpdateStatus = "InProgress"
      (lastUpdateStatusReason, lastUpdateStatusReasonCode) = ("The function is being created.", "Creating")
    case .failed(let reason, let code):
      (lastUpdateStatus, lastUpdateStatusReason, lastUpdateStatusReasonCode) = ("Failed", reason, code)
    }
  }
}

extension ImageConfigResponse {
  init(_ settings: ContainerSettings) {
    self.init()
    var config = ImageConfig()
    (config.entryPoint, config.command) = (settings.entryPoint, settings.command)
    config.workingDirectory = settings.workingDirectory
    imageConfig = config
  }
}

extension FunctionVersion {
  /// The hash of the zip as the API shows it; the digest of an image stays in hex.
  var codeSHA256: String {
    if image != nil { return codeHash }
    return hotReloadDirectory == nil ? (decodeHex(codeHash) ?? []).base64 : HotReloadCode.hash
  }
}
