// SPDX-License-Identifier: MIT
// many.js - node: sockets, pipes, files, watchers, children, workers; each answer on a line.
'use strict';
const fs = require('fs'), net = require('net'), dgram = require('dgram'), http = require('http');
const cp = require('child_process'), os = require('os'), dns = require('dns');
const { Worker } = require('worker_threads');

const say = (test, value) => fs.writeSync(1, `${test}\t${String(value).replace(/\s+/g, ' ')}\n`);
const fds = () => fs.readdirSync('/proc/self/fd').sort((a, b) => a - b).join(' ');
const end = (e, name) => new Promise(r => e.once(name, r));

async function sockets() {
	const server = net.createServer(c => c.pipe(c)).listen(0, '127.0.0.1');
	await end(server, 'listening');
	const clients = [];
	for (let i = 0; i < 50; i++) clients.push(net.connect(server.address().port));
	const got = await Promise.all(clients.map(c => new Promise(r => {
		let n = 0;
		c.on('data', d => { n += d.length; if (n >= 300000) c.end(); });
		c.on('close', () => r(n));
		c.write(Buffer.alloc(300000));
	})));
	say('echo', got.reduce((a, b) => a + b));
	server.close();
	await end(server, 'close');
	const refused = net.connect(1, '127.0.0.1');
	say('refused', (await end(refused, 'error')).code);
	const u = dgram.createSocket('udp4');
	u.bind(0, '127.0.0.1');
	await end(u, 'listening');
	u.send('datagram', u.address().port, '127.0.0.1');
	say('udp', await end(u, 'message'));
	u.close();
}

async function web() {
	const server = http.createServer((q, a) => a.end(q.url)).listen(0, '127.0.0.1');
	await end(server, 'listening');
	const answers = await Promise.all([...Array(40).keys()].map(i => new Promise(r =>
		http.get({ port: server.address().port, host: '127.0.0.1', path: '/' + i, agent: false },
			a => { let t = ''; a.on('data', d => t += d); a.on('end', () => r(t)); }))));
	say('http', answers.join(''));
	server.close();
}

async function files() {
	for (let i = 0; i < 200; i++) await fs.promises.writeFile('f', 'x'.repeat(i));
	say('files', (await fs.promises.readFile('f')).length);
	const w = fs.watch('.');
	const seen = end(w, 'change');
	fs.writeFileSync('watched', 'x');
	say('watch', await seen);
	w.close();
	await Promise.all([...Array(60).keys()].map(() => fs.promises.readFile('/proc/self/stat')));
	try { fs.closeSync(9999); } catch (e) { say('bad close', e.code); }
	say('lookup', (await dns.promises.lookup('127.0.0.1')).address);
}

async function children() {
	say('execSync', cp.execSync('ls /proc/self/fd'));
	const c = cp.spawn('cat');
	c.stdin.end('through cat');
	say('spawn', await end(c.stdout, 'data'));
	say('its end', await end(c, 'close'));
	const killed = cp.spawn('sleep', ['60']);
	killed.kill('SIGKILL');
	await end(killed, 'exit');
	say('killed', killed.signalCode);
	say('missing', (await end(cp.spawn('/nowhere'), 'error')).code);
	const all = await Promise.all([...Array(20).keys()].map(i => new Promise(r =>
		cp.execFile('echo', [i], (e, out) => r(out.trim())))));
	say('twenty', all.join(' '));
	const f = cp.fork(__filename, ['child']);
	f.send({ a: 1 });
	say('fork', JSON.stringify(await end(f, 'message')));
	await end(f, 'exit');
	const w = new Worker("require('worker_threads').parentPort.postMessage(require('fs').readFileSync('/etc/hostname').length > 0)",
		{ eval: true });
	say('worker', await end(w, 'message'));
	await end(w, 'exit');
}

async function main() {
	say('fds at start', fds());
	await sockets();
	await web();
	await files();
	await children();
	say('fds at the end', fds());
}

if (process.argv[2] === 'child')
	process.on('message', m => { process.send({ got: m, fds: fds() }); process.disconnect(); });
else
	main().then(() => process.exit(3));
