import Base
import Wire

/// Small services that have what the codecs must handle, one for each protocol.
enum Fixture {
  /// Speaks JSON 1.0 and Query, like SQS.
  static let queue: ServiceModel = .parse(
    #"""
    service queue version=2012-11-05 protocols=awsJson10,awsQuery target=AmazonQueue xmlns=http://queue.example/doc/ namespace=com.example.queue validation=own queryCompatible
    o Send POST / 200 SendRequest SendResult SendResult - QueueDoesNotExist
    o Receive POST / 200 ReceiveRequest ReceiveResult ReceiveResult -
    o Delete POST / 200 DeleteRequest - - -
    s SendRequest QueueUrl:$s;r MessageBody:$s;r DelaySeconds:$i Attributes?MessageAttribute:AttributeMap;f
    s SendResult MD5OfMessageBody:$s MessageId:$s
    s ReceiveRequest QueueUrl:$s;r AttributeNames?AttributeName:NameList;f
    s ReceiveResult Messages?Message:MessageList;f
    s Message Body:$s Attributes?Attribute:TextMap;f Sent:$t
    s DeleteRequest QueueUrl:$s;r Entries?Entry:EntryList;rf
    s Entry Id:$s;r ReceiptHandle:$s;r
    l EntryList Entry @Entry
    l NameList $s @AttributeName
    l MessageList Message @Message
    m AttributeMap $s AttributeValue @Name,Value
    m TextMap $s $s @Name,Value
    s AttributeValue StringValue:$s BinaryValue:$x DataType:$s;r
    e QueueDoesNotExist 400 AWS.Queue.NonExistentQueue client message:$s
    e Throttled 403 - client message:$s
    """#)

  /// Speaks Query alone, like IAM.
  static let identity: ServiceModel = .parse(
    #"""
    service identity version=2010-05-08 protocols=awsQuery xmlns=https://identity.example/doc/2010-05-08/ validation=model
    o CreateRole POST / 200 CreateRoleRequest CreateRoleResponse CreateRoleResult - NoSuchEntityException
    o DeleteRole POST / 200 DeleteRoleRequest - - -
    o Simulate POST / 200 SimulateRequest SimulateResponse SimulateResult u
    s CreateRoleRequest RoleName:roleName;r Duration:duration Tags:tagList
    s CreateRoleResponse Role:Role;r
    s Role RoleName:$s;r CreateDate:$t;r Tags:tagList Limits:limits Ratio:$d Active:$b
    s DeleteRoleRequest RoleName:roleName;r
    s SimulateRequest Actions:actions Contexts:contexts Settings:limits Since:$t Blob:$x
    s SimulateResponse Allowed:$b
    s Context ContextKeyName:$s ContextKeyValues:actions
    s Tag Key:tagKey;r Value:$s;r
    l tagList Tag 0..2
    l actions $s
    l contexts Context
    m limits $s $i
    t roleName $s 1..8 ~[\w+=,.@-]+
    t tagKey $s 1..4
    t duration $i 900..43200
    e NoSuchEntityException 404 NoSuchEntity client message:$s
    e ServiceFailureException 500 ServiceFailure server message:$s
    """#)

  /// Speaks JSON 1.1, like CloudWatch Logs.
  static let records: ServiceModel = .parse(
    #"""
    service records version=2014-03-28 protocols=awsJson11 target=Records_1 validation=model
    o Put POST / 200 PutRequest PutResponse - -
    s PutRequest name:name;r kind:kind count:count ratio:$d at:$t iso:$t;I data:data flag:$b any:$j tags:tags keys:keys inner:Inner secret:secret hidden:hidden
    s PutResponse at:$t iso:$t;I ratio:$d data:$x any:$j items:inners
    s Inner id:name;r next:Inner child:inners
    l inners Inner
    l keys key 0..3
    m tags key value 0..2
    m hidden key value *
    t key $s 1..4 ~[a-z]+
    t value $s 0..5
    t name $s 1..8 ~[a-z0-9]+
    t kind $s =ONE|TWO%20HALVES
    t count $i 1..10
    t data $x 0..4
    t secret $s 0..2 *
    e LimitExceeded - - client message:$s
    e Unavailable - - server message:$s
    """#)

  /// Speaks REST-JSON, like Lambda.
  static let functions: ServiceModel = .parse(
    #"""
    service functions version=2015-03-31 protocols=restJson validation=model
    o Create POST /2015-03-31/functions 201 CreateRequest Configuration - -
    o Invoke POST /2015-03-31/functions/{FunctionName}/invocations 200 InvokeRequest InvokeResponse - -
    o List GET /2015-03-31/functions 200 ListRequest Configuration - -
    o Untag DELETE /2017-03-31/tags/{Resource} 204 UntagRequest - - -
    o Search GET /search 200 SearchRequest - - -
    o Alias PUT /alias/{Name} 200 AliasRequest AliasResponse - -
    o ListLayers GET /layers 200 - - - -
    o LayerByArn GET /layers?find=LayerVersion 200 LayerRequest - - -
    o Fetch GET /files/{Path+} 200 FetchRequest - - -
    o FetchRaw GET /files/{Path+}/raw 200 FetchRequest - - -
    s CreateRequest FunctionName:$s;r Code:Code;r Timeout:timeout DryRun=X-Dry-Run:$b;h
    s Code ZipFile:zip S3Key:$s
    s Configuration FunctionName:$s Modified:$t Version=$Version:$s
    s InvokeRequest FunctionName:$s;rl InvocationType=X-Amz-Invocation-Type:$s;h Context=X-Context:strings;h When=X-When:$t;h Payload:zip;y Meta=x-meta-:texts;p
    s InvokeResponse StatusCode:$i;c Error=X-Amz-Function-Error:$s;h Payload:zip;y Labels=X-Labels:strings;h
    s ListRequest MaxItems:timeout;q Marker:$s;q Since=since:$t;q
    s UntagRequest Resource:$s;rl TagKeys=tagKeys:strings;rq
    s SearchRequest Term=term:$s;q Rest:texts;m
    s AliasRequest Name:$s;rl Body:Code;y
    s AliasResponse Body:Code;y
    s LayerRequest Arn:$s;q
    s FetchRequest Path:$s;rg
    l strings $s
    m texts $s $s
    t zip $x *
    t timeout $i 1..900
    e TooManyRequestsException 429 - client retryAfterSeconds=Retry-After:$s;h Type:$s message:$s Reason:$s
    e ServiceException 500 - server Type:$s Message:$s
    """#)

  /// Speaks restXml, like S3.
  static let objects: ServiceModel = .parse(
    #"""
    service s3 signing=s3 endpoint=s3 version=2006-03-01 protocols=restXml xmlns=http://s3.example/doc/ validation=own
    o ListBuckets GET / 200 - ListBucketsOutput - -
    o CreateBucket PUT /{Bucket} 200 CreateBucketRequest - - -
    o PutBucketAcl PUT /{Bucket}?acl 200 PutBucketAclRequest - - -
    o GetBucketAcl GET /{Bucket}?acl 200 BucketRequest Policy - -
    o ListObjects GET /{Bucket} 200 BucketRequest ListObjectsOutput ListBucketResult -
    o ListObjectsV2 GET /{Bucket}?list-type=2 200 BucketRequest ListObjectsOutput ListBucketResult -
    o GetBucketLocation GET /{Bucket}?location 200 BucketRequest LocationOutput - w
    o GetMetrics GET /{Bucket}?metrics 200 MetricsRequest - - -
    o ListMetrics GET /{Bucket}?metrics 200 BucketRequest - - -
    o DeleteObjects POST /{Bucket}?delete 200 DeleteObjectsRequest - - -
    o PutObject PUT /{Bucket}/{Key+} 200 PutObjectRequest PutObjectOutput - -
    o GetObject GET /{Bucket}/{Key+} 200 ObjectRequest GetObjectOutput - -
    o ListParts GET /{Bucket}/{Key+} 200 PartsRequest - - -
    o DeleteObject DELETE /{Bucket}/{Key+} 204 ObjectRequest - - -
    o AbortUpload DELETE /{Bucket}/{Key+} 204 PartsRequest - - -
    o UploadPart PUT /{Bucket}/{Key+} 200 PartRequest - - -
    o CopyObject PUT /{Bucket}/{Key+} 200 CopyRequest CopyOutput - -
    o UploadPartCopy PUT /{Bucket}/{Key+} 200 PartCopyRequest - - -
    o CreateUpload POST /{Bucket}/{Key+}?uploads 200 ObjectRequest - - -
    o CompleteUpload POST /{Bucket}/{Key+} 200 PartsRequest - - -
    s BucketRequest Bucket:$s;rl
    s MetricsRequest Bucket:$s;rl Id=id:$s;rq
    s ObjectRequest Bucket:$s;rl Key:$s;rg
    s PartsRequest Bucket:$s;rl Key:$s;rg UploadId=uploadId:$s;rq
    s PartRequest Bucket:$s;rl Key:$s;rg UploadId=uploadId:$s;rq PartNumber=partNumber:$i;rq
    s CopyRequest Bucket:$s;rl Key:$s;rg CopySource=x-amz-copy-source:$s;rh
    s PartCopyRequest Bucket:$s;rl Key:$s;rg CopySource=x-amz-copy-source:$s;rh UploadId=uploadId:$s;rq PartNumber=partNumber:$i;rq
    s CreateBucketRequest Bucket:$s;rl ACL=x-amz-acl:$s;h Configuration=CreateBucketConfiguration:Configuration;y
    s Configuration LocationConstraint:$s Tags:tags
    s PutBucketAclRequest Bucket:$s;rl Policy=AccessControlPolicy:Policy;ry
    s Policy Grants=AccessControlList:grants Owner:Owner
    s Owner ID:$s
    s Grant Grantee:Grantee Permission:$s
    s Grantee Type=xsi:type:$s;ra ID:$s
    s DeleteObjectsRequest Bucket:$s;rl Delete:Delete;ry
    s Delete Objects=Object:identifiers;rf Quiet:$b
    s Identifier Key:$s;r Size:$i LastModifiedTime:$t;H
    s PutObjectRequest Bucket:$s;rl Key:$s;rg Body:$x;ys Metadata=x-amz-meta-:texts;p Type=Content-Type:$s;h Until=x-amz-until:$t;hI
    s PutObjectOutput ETag:$s;h
    s GetObjectOutput Body:$x;ys Type=Content-Type:$s;h Modified=Last-Modified:$t;h Metadata=x-amz-meta-:texts;p
    s CopyOutput Result=CopyObjectResult:CopyResult;y
    s CopyResult ETag:$s Modified:$t
    s LocationOutput LocationConstraint:$s
    s ListBucketsOutput Buckets:buckets Owner:Owner
    s Bucket Name:$s CreationDate:$t
    s ListObjectsOutput Name:$s IsTruncated:$b Contents:contents;f
    s Content Key:$s Size:$i
    l buckets Bucket @Bucket
    l contents Content
    l grants Grant @Grant
    l identifiers Identifier
    l tags Tag @Tag
    s Tag Key:$s;r Value:$s
    m texts $s $s
    e NoSuchBucket 404 - client
    """#)

  /// Speaks CBOR, like CloudWatch, and in the older form, like Kinesis.
  static let metrics: ServiceModel = .parse(
    #"""
    service metrics version=2010-08-01 protocols=rpcv2Cbor,awsCbor11,awsJson11 target=Metrics_1 namespace=com.example.metrics validation=model queryCompatible
    o Put POST / 200 PutRequest PutResponse - -
    o Reset POST / 200 PutRequest - - -
    s PutRequest name:$s;r count:$i ratio:$d at:$t data:$x flag:$b tags:texts items:items inner:Inner any:$j
    s PutResponse name:$s count:$i ratio:$d at:$t data:$x flag:$b tags:texts items:items inner:Inner any:$j
    s Inner id:$s;r
    l items Inner
    m texts $s $s
    e NotThere 404 OldNotThere client message:$s Name:$s
    """#)

  static func record(_ service: ServiceModel, _ shape: String, _ slots: [String: Value]) -> Record {
    var record = Record(service.structure(shape))
    for (name, value) in slots { record[name] = value }
    return record
  }
}

extension ServiceModel {
  func decode(
    _ operation: String, _ proto: WireProtocol? = nil, body: String = "", query: String = "", path: String = "/",
    headers: HeaderFields = [:], labels: [String: String] = [:]
  ) throws(AWSError) -> Record {
    try decode(operation, proto, bytes: Array(body.utf8), query: query, path: path, headers: headers, labels: labels)
  }

  func decode(
    _ operation: String, _ proto: WireProtocol? = nil, bytes: [UInt8], query: String = "", path: String = "/",
    headers: HeaderFields = [:], labels: [String: String] = [:]
  ) throws(AWSError) -> Record {
    let request = WireRequest(path: path, query: query, headers: headers, body: bytes)
    guard let operation = operations[operation] else { preconditionFailure("no operation \(operation)") }
    return try WireCodec.decode(operation, of: self, proto ?? protocols[0], request, labels: labels)
  }

  func encode(_ operation: String, _ output: Record?, as proto: WireProtocol? = nil) -> WireResponse {
    guard let operation = operations[operation] else { preconditionFailure("no operation \(operation)") }
    return WireCodec.encode(output, operation: operation, service: self, proto: proto ?? protocols[0], requestID: "id-1")
  }

  func encode(_ error: AWSError, _ proto: WireProtocol? = nil, resource: String? = nil) -> WireResponse {
    WireCodec.encode(error, operation: nil, service: self, proto: proto ?? protocols[0], requestID: "id-1", resource: resource)
  }
}
