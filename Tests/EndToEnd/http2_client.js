// One connection of Node's own HTTP/2 client, without TLS. Reads what to ask from standard input as JSON:
//   {endpoint, requests: [{headers, body, after}], cancel: {index, after}, stays}
// `after`: the number of answers that must have arrived before. Writes one line of JSON for everything that happens.
'use strict';
const http2 = require('node:http2');
const work = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const say = (event, more) => console.log(JSON.stringify({ event, ...more }));

const session = http2.connect(work.endpoint);
session.on('connect', () => say('connected', { protocol: session.alpnProtocol }));
session.on('goaway', (code) => say('goaway', { code }));
session.on('close', () => say('closed'));
session.on('error', (error) => say('failed', { reason: error.code }));

const streams = new Map();
let ended = 0;

function ask(request, index) {
  const stream = session.request({ ':method': 'POST', ':path': '/', ...request.headers });
  streams.set(index, stream);
  const answer = { index, status: null, headers: null, body: '' };
  stream.setEncoding('utf8');
  stream.on('response', (headers) => { answer.status = headers[':status']; answer.headers = headers; });
  stream.on('data', (text) => { answer.body += text; });
  stream.on('error', (error) => { answer.reason = error.code; });
  stream.on('close', () => { say('answer', { ...answer, code: stream.rstCode }); ended += 1; next(); });
  stream.end(request.body);
}

function next() {
  work.requests.forEach((request, index) => {
    if (!streams.has(index) && ended >= (request.after ?? 0)) ask(request, index);
  });
  const cancel = work.cancel;
  if (cancel && ended >= cancel.after) {
    work.cancel = null;
    streams.get(cancel.index).close(http2.constants.NGHTTP2_CANCEL);
  }
  if (ended === work.requests.length && !work.stays) session.close();
}
next();
