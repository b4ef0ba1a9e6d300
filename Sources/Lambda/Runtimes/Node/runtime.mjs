// The client of the Lambda Runtime API for Node.js functions: fetches events, calls the handler, posts what it answers.
import http from 'node:http'
import fs from 'node:fs'
import path from 'node:path'
import util from 'node:util'
import { Writable } from 'node:stream'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { performance } from 'node:perf_hooks'

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
// Without a handler this is a spare: booted before it is known for which function, it waits to be told.
if (!process.env._HANDLER) {
  const environment = await new Promise((resolve, reject) => {
    http.get({ host, port, path: '/spare/function', agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', part => { text += part }).on('end', () => resolve(JSON.parse(text)))
    }).on('error', reject)
  })
  for (const name of Object.keys(process.env)) delete process.env[name]
  Object.assign(process.env, environment)
  process.chdir('/var/task')
}
const base = '/2018-06-01/runtime'
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
const isJSONLog = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON'
const streamingSymbol = Symbol.for('aws.lambda.runtime.handler.streaming')
const highWaterMarkSymbol = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')
let requestId = ''

function call (method, route, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: base + route, agent, headers }, response => {
      const parts = []
      response.on('data', part => parts.push(part))
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }))
      response.on('error', reject)
    })
    request.setTimeout(0)
    request.on('error', reject)
    request.end(body)
  })
}

function post (route, text, headers = {}) {
  const body = Buffer.from(text)
  return call('POST', route, { 'content-type': 'application/json', 'content-length': body.length, ...headers }, body)
}

// One frame is one message of the log, however many lines it has.
function writeFrame (text) {
  const message = Buffer.from(text)
  const head = Buffer.alloc(16)
  head.writeUInt32BE(0xa55a0003, 0)
  head.writeUInt32BE(message.length, 4)
  head.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8)
  const frame = Buffer.concat([head, message])
  for (let at = 0; at < frame.length;) {
    try {
      at += fs.writeSync(1, frame, at)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}

const levels = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, FATAL: 5 }
const threshold = levels[process.env.AWS_LAMBDA_LOG_LEVEL] ?? 0

function patchConsole () {
  const line = level => (...values) => {
    if (levels[level] < threshold) return
    const time = new Date().toISOString()
    if (!isJSONLog) {
      writeFrame(`${time}\t${requestId || 'undefined'}\t${level}\t${util.format(...values)}\n`)
      return
    }
    const record = { timestamp: time, level, requestId }
    const [only] = values
    record.message = values.length === 1 && typeof only === 'object' && !(only instanceof Error) ? only : util.format(...values)
    const error = values.find(value => value instanceof Error)
    if (error) Object.assign(record, describe(error))
    writeFrame(JSON.stringify(record) + '\n')
  }
  console.log = console.info = line('INFO')
  console.debug = line('DEBUG')
  console.trace = line('TRACE')
  console.warn = line('WARN')
  console.error = line('ERROR')
}

function describe (error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] }
  return {
    errorType: error.name ?? 'Error',
    errorMessage: error.message,
    trace: (error.stack || String(error)).split('\n')
  }
}

function logError (title, error) {
  const { errorType, errorMessage, trace } = describe(error)
  const record = {
    errorType, errorMessage, ...(error?.code !== undefined && { code: error.code }), ...(error?.reason && { reason: error.reason, promise: {} }), stack: trace
  }
  const time = new Date().toISOString()
  writeFrame(isJSONLog
    ? JSON.stringify({ timestamp: time, level: 'ERROR', requestId, message: record }) + '\n'
    : `${time}\t${requestId || 'undefined'}\tERROR\t${title} \t${JSON.stringify(record)}\n`)
}

function runtimeError (type, message) {
  const error = new Error(message)
  error.name = type
  error.stack = `${type}: ${message}`
  return error
}

// What the function writes its answer into: the body of a request that the first write begins.
class ResponseStream extends Writable {
  #path
  #contentType = 'application/octet-stream'
  #request
  #resolve
  #reject
  #isFinal = false

  constructor (id, highWaterMark) {
    super({ highWaterMark })
    this.#path = `${base}/invocation/${id}/response`
    this.answered = new Promise((resolve, reject) => { this.#resolve = resolve; this.#reject = reject })
    this.answered.catch(() => {})
    this.on('error', () => {})
  }

  // Not the agent's connection: it would be one that may have ended while the process was frozen.
  #open () {
    if (this.#request) return this.#request
    const headers = {
      'lambda-runtime-function-response-mode': 'streaming',
      'content-type': this.#contentType,
      'transfer-encoding': 'chunked',
      trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body'
    }
    this.#request = http.request({ host, port, method: 'POST', path: this.#path, agent: false, headers }, response => {
      response.on('data', () => {}).on('end', this.#resolve).on('error', this.#reject)
    })
    this.#request.on('error', error => { this.#reject(error); this.destroy(error) })
    return this.#request
  }

  setContentType (type) {
    if (this.#request) throw runtimeError('Runtime.InvalidStreamingOperation', 'Cannot set content-type, too late.')
    this.#contentType = type
  }

  write (chunk, encoding, callback) { return super.write(bytesOf(chunk), encoding, callback) }
  end (chunk, encoding, callback) {
    if (chunk === undefined || chunk === null || typeof chunk === 'function') return super.end(chunk)
    return super.end(bytesOf(chunk), encoding, callback)
  }

  _write (chunk, encoding, callback) {
    const isFirst = !this.#request
    const request = this.#open()
    if (isFirst) this._onBeforeFirstWrite?.(first => request.write(first))
    request.write(chunk, encoding, callback)
  }

  _final (callback) {
    this.#isFinal = true
    this.#open().end(callback)
  }

  _destroy (error, callback) {
    if (!this.#isFinal) this.#reject(error ?? new Error('The response stream was destroyed.'))
    callback(error)
  }

  // Ends the answer with the error in trailers, behind what was written before.
  async fail (error) {
    if (!this.#isFinal) {
      const { errorType, errorMessage, trace } = describe(error)
      const done = new Promise(resolve => { this.#resolve = this.#reject = resolve })
      this.#open().addTrailers({
        'Lambda-Runtime-Function-Error-Type': errorType,
        'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify({ errorType, errorMessage, trace })).toString('base64')
      })
      if (this.destroyed) this.#request.end()
      else if (!this.writableEnded) super.end()
      await done
    } else {
      await this.answered.catch(() => {})
    }
  }
}

// Other values than text and bytes are written as JSON.
function bytesOf (chunk) {
  return typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : JSON.stringify(chunk)
}

// What function code finds without importing anything.
globalThis.awslambda = {
  ...globalThis.awslambda,
  streamifyResponse: (handler, options) => {
    handler[streamingSymbol] = 'response'
    if (options?.highWaterMark !== undefined) handler[highWaterMarkSymbol] = parseInt(options.highWaterMark)
    return handler
  },
  HttpResponseStream: class HttpResponseStream {
    // Status, headers and cookies go before the first byte that is written: JSON and eight NUL bytes.
    static from (stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response')
      const text = JSON.stringify(prelude)
      stream._onBeforeFirstWrite = write => {
        write(text)
        write(new Uint8Array(8))
      }
      return stream
    }
  }
}

// Runs a handler that streams its answer, to its end. Resolves with {isFatal} when the process must go.
function runStreamingHandler (handler, event, headers, id) {
  const stream = new ResponseStream(id, handler[highWaterMarkSymbol])
  return new Promise(resolve => {
    const context = makeContext(headers, () => {})
    for (const name of ['done', 'succeed', 'fail']) delete context[name]
    // An answer that has not ended keeps the process waiting until its time is up.
    const hold = setInterval(() => {}, 60_000)
    const settle = outcome => {
      clearInterval(hold)
      process.removeListener('unhandledRejection', onRejection)
      process.removeListener('uncaughtException', onException)
      // The next event is fetched when nothing is left to do, unless the function does not want to wait for that.
      if (outcome.isFatal || !context.callbackWaitsForEmptyEventLoop) return resolve(outcome)
      process.once('beforeExit', () => resolve(outcome))
    }
    const abort = (title, error) => {
      logError(title, error)
      stream.fail(error).then(() => settle({ isFatal: true }))
    }
    const onRejection = reason => {
      const error = runtimeError('Runtime.UnhandledPromiseRejection', String(reason))
      error.reason = describe(reason)
      abort('Unhandled Promise Rejection', error)
    }
    const onException = error => abort('Uncaught Exception', error)
    process.on('unhandledRejection', onRejection)
    process.on('uncaughtException', onException)
    const fail = async error => {
      logError('Invoke Error', error)
      await stream.fail(error)
      settle({})
    }
    const run = async () => {
      const result = handler(event, stream, context)
      if (typeof result?.then !== 'function') return fail('Streaming does not support non-async handlers.')
      if (await result !== undefined) console.warn('Streaming handlers ignore return values.')
      await stream.answered
      settle({})
    }
    run().catch(fail)
  })
}

// `dir/file.name.method`: the part after the last slash up to its first dot is the file.
async function loadHandler (root, text) {
  if (text.includes('..')) throw runtimeError('Runtime.MalformedHandlerName', `'${text}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`)
  const name = path.basename(text)
  const dot = name.indexOf('.')
  if (dot < 1) throw runtimeError('Runtime.MalformedHandlerName', 'Bad handler')
  const file = path.resolve(root, path.dirname(text), name.slice(0, dot))
  const module = await loadModule(file, root)
  const handler = name.slice(dot + 1).split('.').reduce((value, key) => value?.[key], module)
  if (handler === undefined || handler === null) throw runtimeError('Runtime.HandlerNotFound', `${text} is undefined or not exported`)
  if (typeof handler !== 'function') throw runtimeError('Runtime.HandlerNotFound', `${text} is not a function`)
  return handler
}

async function loadModule (file, root) {
  const exists = candidate => fs.existsSync(candidate) && fs.statSync(candidate).isFile()
  const require = createRequire(path.join(root, 'noop.js'))
  try {
    for (const extension of ['', '.js', '.mjs', '.cjs']) {
      const candidate = file + extension
      if (!exists(candidate)) continue
      if (extension === '.cjs') return require(candidate)
      if (extension === '.mjs') return await import(pathToFileURL(candidate).href)
      try {
        return require(candidate)
      } catch (error) {
        if (error.code !== 'ERR_REQUIRE_ESM' && !(error instanceof SyntaxError)) throw error
        return await import(pathToFileURL(candidate).href)
      }
    }
    return require(file)
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(error, { name: 'Runtime.UserCodeSyntaxError' })
    if (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND') {
      throw Object.assign(error, { name: 'Runtime.ImportModuleError', message: `Error: ${error.message}` })
    }
    throw error
  }
}

function makeContext (headers, finish) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  // Date.now may be moved by the function's tests; the monotonic clock is not.
  const endsAt = performance.now() + (deadline - Date.now())
  const parse = text => { try { return text ? JSON.parse(text) : undefined } catch { return undefined } }
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse(headers['lambda-runtime-client-context']),
    identity: parse(headers['lambda-runtime-cognito-identity']),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(endsAt - performance.now())),
    done: (error, value) => finish(error, value),
    succeed: value => finish(null, value),
    fail: error => finish(error ?? 'handled')
  }
}

// Resolves with {value} or {error}. A callback handler may wait until nothing is left to do in the event loop.
function runHandler (handler, event, headers) {
  return new Promise(resolve => {
    let isDone = false
    const settle = outcome => {
      if (isDone) return
      isDone = true
      process.removeListener('beforeExit', onEmpty)
      process.removeListener('unhandledRejection', onRejection)
      process.removeListener('uncaughtException', onException)
      resolve(outcome)
    }
    let answer
    const onEmpty = () => settle(answer ?? { value: null })
    const onRejection = reason => {
      const error = runtimeError('Runtime.UnhandledPromiseRejection', String(reason))
      error.reason = describe(reason)
      settle({ error, exitStatus: 128, title: 'Unhandled Promise Rejection' })
    }
    const onException = error => settle({ error, exitStatus: 129, title: 'Uncaught Exception' })
    process.once('beforeExit', onEmpty)
    process.on('unhandledRejection', onRejection)
    process.on('uncaughtException', onException)
    const context = makeContext(headers, (error, value) => {
      answer = error !== null && error !== undefined ? { error } : { value }
      if (!context.callbackWaitsForEmptyEventLoop || answer.error) settle(answer)
    })
    try {
      const result = handler(event, context, context.done)
      if (typeof result?.then === 'function') result.then(value => settle({ value }), error => settle({ error }))
    } catch (error) {
      settle({ error })
    }
  })
}

// Nothing keeps Node alive while an event loop is empty and a callback is awaited, so `beforeExit` can tell of it.
async function loop (handler) {
  for (;;) {
    const next = await call('GET', '/invocation/next', {})
    const id = next.headers['lambda-runtime-aws-request-id']
    requestId = id
    const trace = next.headers['lambda-runtime-trace-id']
    if (trace) process.env._X_AMZN_TRACE_ID = trace
    else delete process.env._X_AMZN_TRACE_ID

    if (handler[streamingSymbol]) {
      const { isFatal } = await runStreamingHandler(handler, JSON.parse(next.body.toString()), next.headers, id)
      if (isFatal) process.exit(128)
      continue
    }
    const outcome = await runHandler(handler, JSON.parse(next.body.toString()), next.headers)
    let text
    if (!outcome.error) {
      try {
        text = JSON.stringify(outcome.value === undefined ? null : outcome.value) ?? 'null'
      } catch (error) {
        outcome.error = runtimeError('Runtime.MarshalError', `Unable to stringify response body as json: ${error.message}`)
      }
    }
    if (!outcome.error) {
      await post(`/invocation/${id}/response`, text)
      continue
    }
    logError(outcome.title ?? 'Invoke Error', outcome.error)
    const { errorType, errorMessage, trace: stack } = describe(outcome.error)
    await post(`/invocation/${id}/error`, JSON.stringify({
      errorType, errorMessage, trace: stack
    }), { 'lambda-runtime-function-error-type': errorType })
    if (outcome.exitStatus) process.exit(outcome.exitStatus)
  }
}

patchConsole()
try {
  const handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER)
  await loop(handler)
} catch (error) {
  logError('Uncaught Exception', error)
  const { errorType, errorMessage, trace } = describe(error)
  await post('/init/error', JSON.stringify({ errorType, errorMessage, trace }), { 'lambda-runtime-function-error-type': errorType })
  process.exit(129)
}
