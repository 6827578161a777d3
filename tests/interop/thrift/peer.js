// A Thrift server or client in Node; the words of the command line are those of peer.py. SERVER is `node`, the only
// one that there is; TRANSPORT is buffered or framed.
'use strict';

const fs = require('node:fs');
const thrift = require('thrift');
const Demo = require('./Demo');
const {Order, Refused} = require('./demo_types');

const PROTOCOLS = {binary: thrift.TBinaryProtocol, compact: thrift.TCompactProtocol};
const TRANSPORTS = {buffered: thrift.TBufferedTransport, framed: thrift.TFramedTransport};

const toHex = data => Buffer.from(data).toString('hex') || '.';
const fromHex = word => (word === '.' ? Buffer.alloc(0) : Buffer.from(word, 'hex'));
const number = value => Number(value); // of an i64 below 2^53

function handler(name, log) {
  const record = (...words) => fs.appendFileSync(log, `${words.join(' ')}\n`);
  return {
    sayHello(caller, result) {
      record('sayHello', toHex(caller));
      result(null, `Hello ${caller}, response from ${name}`);
    },
    echoBytes(bytes, result) {
      record('echoBytes', toHex(bytes));
      result(null, bytes);
    },
    add(left, right, result) {
      record('add', left, number(right));
      result(null, left + number(right));
    },
    reprice(order, cents, result) {
      record('reprice', toHex(order.id), order.quantity, number(order.cents), order.weight, order.urgent ? 1 : 0,
        toHex(order.seal), number(cents), ...order.tags.map(toHex));
      order.cents = cents;
      result(null, order);
    },
    refuse(why, result) {
      record('refuse', toHex(why));
      result(new Refused({why}));
    },
    fire(event) {
      record('fire', toHex(event));
    },
  };
}

function serve(host, port, server, transport, protocol, service, name, log) {
  const options = {transport: TRANSPORTS[transport], protocol: PROTOCOLS[protocol]};
  if (service === '-') {
    thrift.createServer(Demo, handler(name, log), options).listen(Number(port), host);
    return;
  }
  const processor = new thrift.MultiplexedProcessor();
  processor.registerProcessor(service, new Demo.Processor(handler(name, log)));
  thrift.createMultiplexServer(processor, options).listen(Number(port), host);
}

async function answer(client, method, words) {
  switch (method) {
    case 'sayHello':
      return toHex(await client.sayHello(fromHex(words[0]).toString()));
    case 'echoBytes':
      return toHex(await client.echoBytes(fromHex(words[0])));
    case 'add':
      return String(number(await client.add(Number(words[0]), Number(words[1]))));
    case 'refuse':
      return client.refuse(fromHex(words[0]).toString()).then(() => 'not refused', error => `refused ${toHex(error.why)}`);
    case 'fire':
      client.fire(fromHex(words[0]).toString());
      return '-';
    default: {
      const order = new Order({id: fromHex(words[0]).toString(), quantity: Number(words[1]), cents: Number(words[2]),
        weight: Number(words[3]), urgent: words[4] === '1', seal: fromHex(words[5]),
        tags: words.slice(7).map(word => fromHex(word).toString())});
      const repriced = await client.reprice(order, Number(words[6]));
      return `${toHex(repriced.id)} ${number(repriced.cents)} ${toHex(repriced.seal)} ${repriced.tags.length}`;
    }
  }
}

async function call(host, port, transport, protocol, service, connections, calls, answers) {
  const lines = fs.readFileSync(calls, 'ascii').trimEnd().split('\n').map(line => line.split(' '));
  const results = Array(lines.length).fill('FAILED');
  async function converse(first) {
    const connection = thrift.createConnection(host, Number(port),
      {transport: TRANSPORTS[transport], protocol: PROTOCOLS[protocol]});
    const client = service === '-' ? thrift.createClient(Demo, connection)
      : new thrift.Multiplexer().createClient(service, Demo, connection);
    for (let index = first; index < lines.length; index += Number(connections)) {
      results[index] = await answer(client, lines[index][0], lines[index].slice(1));
    }
    connection.end();
  }
  await Promise.all(Array.from({length: Number(connections)}, (_, first) => converse(first)));
  fs.writeFileSync(answers, results.map(result => `${result}\n`).join(''));
}

const [role, ...words] = process.argv.slice(2);
({server: serve, client: call})[role](...words);
