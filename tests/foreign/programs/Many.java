// SPDX-License-Identifier: MIT
// Many.java - the JVM: its signal handlers, selectors, threads, children; each answer on a line.
import java.io.*;
import java.net.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;

public class Many {
	static void say(String test, Object value) {
		System.out.println(test + "\t" + String.valueOf(value).trim().replaceAll("\\s+", " "));
	}

	static void channels() throws Exception {
		ServerSocketChannel s = ServerSocketChannel.open().bind(new InetSocketAddress("127.0.0.1", 0));
		s.configureBlocking(false);
		say("nothing to accept", s.accept());
		SocketChannel c = SocketChannel.open(s.getLocalAddress());
		Selector selector = Selector.open();
		s.register(selector, SelectionKey.OP_ACCEPT);
		say("select", selector.select());
		SocketChannel d = s.accept();
		d.configureBlocking(false);
		say("nothing to read", d.read(ByteBuffer.allocate(9)));
		ByteBuffer big = ByteBuffer.allocate(1 << 16);
		int n = 0, full;
		do {
			big.clear();
			full = d.write(big);
			n += full;
		} while (full > 0);
		say("send buffer full", n > 0);
		c.close();
		d.close();
		selector.close();
		s.close();
		try (Socket refused = new Socket("127.0.0.1", 1)) {
			say("refused", "no");
		} catch (ConnectException e) {
			say("refused", e.getMessage());
		}
		try (ServerSocket timed = new ServerSocket(0)) {
			timed.setSoTimeout(20);
			timed.accept();
		} catch (SocketTimeoutException e) {
			say("timeout", e.getMessage());
		}
	}

	static void closedWhileBlocked() throws Exception {
		ServerSocket s = new ServerSocket(0);
		Thread t = new Thread(() -> {
			try {
				s.accept();
			} catch (IOException e) {
				say("closed in accept", "or just before"); // the message tells which
			}
		});
		t.start();
		while (t.getState() != Thread.State.RUNNABLE)
			Thread.yield();
		s.close();
		t.join();
	}

	static int deep(int n) {
		return deep(n + 1) + 1;
	}

	static void signals() {
		try {
			deep(0);
		} catch (StackOverflowError e) {
			say("stack overflow", "caught");
		}
		try {
			Object o = null;
			o.hashCode();
		} catch (NullPointerException e) {
			say("null", "caught");
		}
	}

	static void files() throws Exception {
		ExecutorService pool = Executors.newFixedThreadPool(8);
		List<Future<Integer>> all = new ArrayList<>();
		for (int i = 0; i < 400; i++) {
			Path p = Path.of("f" + i);
			all.add(pool.submit(() -> {
				Files.writeString(p, "x".repeat(100));
				int n = Files.readString(p).length();
				Files.delete(p);
				return n;
			}));
		}
		int n = 0;
		for (Future<Integer> f : all)
			n += f.get();
		pool.shutdown();
		say("files", n);
		try (RandomAccessFile f = new RandomAccessFile("mapped", "rw")) {
			f.getChannel().map(FileChannel.MapMode.READ_WRITE, 0, 4096).put(0, (byte) 7);
			say("mapped", f.read());
			say("lock", f.getChannel().tryLock() != null);
		}
	}

	static void children() throws Exception {
		Process p = new ProcessBuilder("sh", "-c", "ls /proc/self/fd; exit 5").start();
		say("child", new String(p.getInputStream().readAllBytes()));
		say("its end", p.waitFor());
		Process k = new ProcessBuilder("sleep", "60").start();
		k.destroyForcibly();
		say("killed", k.waitFor());
		List<Process> all = new ArrayList<>();
		for (int i = 0; i < 10; i++)
			all.add(new ProcessBuilder("echo", "" + i).start());
		StringBuilder s = new StringBuilder();
		for (Process one : all)
			s.append(new String(one.getInputStream().readAllBytes()));
		say("ten", s);
	}

	public static void main(String[] args) throws Exception {
		channels();
		closedWhileBlocked();
		signals();
		files();
		children();
		System.gc();
		say("the end", "reached");
		System.exit(3);
	}
}
