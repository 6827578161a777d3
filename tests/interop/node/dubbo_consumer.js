// A Dubbo consumer of npm, with the scenarios and the manners of java/.../Consumer.java:
//
//   dubbo_consumer.js PACKAGE HOST:PORT     PACKAGE is dubbo2.js or apache-dubbo-js
//
// reads lines `SCENARIO CALLS THREADS SERIALIZATION FILE` from standard input and runs each on a new connection, with
// THREADS calls on the way at a time. FILE gets the answers in call order; a line `done SCENARIO calls=N failed=F` goes
// to standard output. Not every line can be had: these packages write hessian2 and know no one-way calls.
'use strict';

const fs = require('node:fs');
const readline = require('node:readline');

const [packageName, address] = process.argv.slice(2);
const {DirectlyDubbo, java} = require(packageName);

const INTERFACE = 'org.apache.dubbo.samples.basic.api.DemoService';
const TENANTS = ['gray', 'blue', null, 'grün-世界'];
const TIMEOUT_SECONDS = 60;

// Each call by name: the arguments as hessian.js wants them.
const METHODS = {
  sayHello: text => [java.String(text)],
  echoBytes: bytes => [Object.assign(bytes, {$class: '[byte', $: bytes.length})],
  add: (left, right) => [java.int(left), java.long(right)],
  reprice: (order, cents) => [java.combine('org.apache.dubbo.samples.basic.api.Order', order), java.long(cents)],
};

function dubboRequests(size) {
  const frame = Buffer.from('dabbc20000000000000000010000001305322e302e32017805302e302e30016d00485a', 'hex');
  return Buffer.concat(Array(Math.ceil(size / frame.length) || 1).fill(frame)).subarray(0, size);
}

function order() {
  return {
    id: 'order-世界', quantity: java.int(-7), cents: java.long('-9223372036854775808'),
    tags: {$class: 'java.util.ArrayList', $: ['', 'a', 'b'.repeat(2000)]},
    notes: {$class: 'java.util.TreeMap', $: {k: 'v', é: '世界'}},
  };
}

function mixed() {
  const calls = [['add', -2147483648, '9223372036854775807'], ['add', 0, -1], ['reprice', order(), '1234567890123']];
  for (const size of [0, 10, 100, 700, 1500, 4096, 20000]) {
    calls.push(['sayHello', '世界é'.repeat(size / 8) + 'y'.repeat(size % 8)], ['echoBytes', dubboRequests(size)]);
  }
  return calls;
}

const SCENARIOS = {
  calls: index => ({tenant: null, call: ['sayHello', `caller ${index}`]}),
  tenants: index => {
    const calls = mixed();
    return {tenant: TENANTS[index % TENANTS.length], call: calls[Math.floor(index / TENANTS.length) % calls.length]};
  },
};

// One connection. The package takes attachments from a middleware of the registry's client only; a direct call gets
// them here, on its way into the package's own queue.
function connect() {
  const dubbo = DirectlyDubbo.from({dubboAddress: address, dubboVersion: '2.0.2', dubboInvokeTimeout: TIMEOUT_SECONDS});
  const addQueue = dubbo.addQueue.bind(dubbo);
  let attachments = {};
  dubbo.addQueue = context => {
    context.attachments = attachments;
    addQueue(context);
  };
  const service = dubbo.proxyService({dubboInterface: INTERFACE, version: '0.0.0', methods: METHODS});
  return {
    invoke(tenant, [method, ...args]) {
      attachments = tenant === null ? {} : {tenant};
      return service[method](...args);
    },
    close() {
      dubbo._socketWorker._retry = 0; // else it connects again
      dubbo._socketWorker._socket.end();
    },
  };
}

function text(answer) {
  return Buffer.isBuffer(answer) ? answer : Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer));
}

async function run(scenario, calls, threads, file) {
  const connection = connect();
  const answers = Array(calls);
  let next = 0;
  let failed = 0;
  async function caller() {
    for (let index = next++; index < calls; index = next++) {
      const {tenant, call} = SCENARIOS[scenario](index);
      const {res, err} = await connection.invoke(tenant, call);
      failed += err ? 1 : 0;
      answers[index] = err ? Buffer.from(`FAILED ${err}`) : text(res);
    }
  }
  await Promise.all(Array.from({length: threads}, caller));
  connection.close();
  const lines = answers.flatMap((answer, index) => [Buffer.from(`${index} ${answer.length}\n`), answer, Buffer.from('\n')]);
  fs.writeFileSync(file, Buffer.concat(lines));
  console.log(`done ${scenario} calls=${calls} failed=${failed}`);
}

async function main() {
  console.log('ready');
  for await (const line of readline.createInterface({input: process.stdin})) {
    const [scenario, calls, threads, , ...file] = line.split(' ');
    await run(scenario, Number(calls), Number(threads), file.join(' '));
  }
  process.exit(0);
}

main();
