package lablambda.runtime;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The lab as the runtime sees it: a socket, descriptor 3, whose frames are told in runtimes/python/bootstrap.py.
 */
final class Lab {
    static final int INVOKE = 1, READY = 2, INIT_ERROR = 3, RESPONSE = 4, ERROR = 5, FATAL = 10;

    private static final int CHANNEL = 3;
    private static final int BUFFER = 1 << 16;
    // Asking the kernel takes a third of a short invocation, and what takes memory takes time.
    private static final long PEAK_IS_FRESH_NS = 2_000_000;

    private final FileInputStream input;
    private final FileOutputStream output;
    private final RandomAccessFile status;
    private byte[] buffer = new byte[BUFFER];
    private int filled = 0;
    private int peakKib = 0;
    private long askedAt = 0;

    Lab() throws ReflectiveOperationException, IOException {
        var descriptor = FileDescriptor.class.getDeclaredConstructor(int.class);
        descriptor.setAccessible(true);
        input = new FileInputStream(descriptor.newInstance(CHANNEL));
        output = new FileOutputStream(descriptor.newInstance(CHANNEL));
        status = new RandomAccessFile("/proc/self/status", "r");
    }

    /** The next frame's body; null when the lab has gone. */
    byte[] next() throws IOException {
        if (!fill(4)) return null;
        int end = 4 + number(0);
        if (!fill(end)) return null;
        byte[] body = new byte[end - 5];
        System.arraycopy(buffer, 5, body, 0, body.length);
        filled -= end;
        System.arraycopy(buffer, end, buffer, 0, filled);
        if (buffer.length > BUFFER && filled <= BUFFER) buffer = Arrays.copyOf(buffer, BUFFER);
        return body;
    }

    private boolean fill(int size) throws IOException {
        if (buffer.length < size) buffer = Arrays.copyOf(buffer, size);
        while (filled < size) {
            int read = input.read(buffer, filled, buffer.length - filled);
            if (read < 0) return false;
            filled += read;
        }
        return true;
    }

    private int number(int at) {
        return (buffer[at] & 0xff) << 24 | (buffer[at + 1] & 0xff) << 16 | (buffer[at + 2] & 0xff) << 8 | buffer[at + 3] & 0xff;
    }

    void send(int kind, byte[] body) throws IOException {
        byte[] frame = new byte[5 + body.length];
        put(frame, 0, body.length + 1);
        frame[4] = (byte) kind;
        System.arraycopy(body, 0, frame, 5, body.length);
        output.write(frame);
    }

    /** Send what ends an invocation: `kind`, the peak of memory, and `body`. */
    void answer(int kind, byte[] body) throws IOException {
        byte[] whole = new byte[4 + body.length];
        put(whole, 0, peak());
        System.arraycopy(body, 0, whole, 4, body.length);
        send(kind, whole);
    }

    private static void put(byte[] into, int at, int number) {
        for (int i = 0; i < 4; i++) into[at + i] = (byte) (number >>> (24 - 8 * i));
    }

    private int peak() throws IOException {
        long now = System.nanoTime();
        if (askedAt != 0 && now - askedAt < PEAK_IS_FRESH_NS) return peakKib;
        askedAt = now;
        byte[] text = new byte[2048];
        status.seek(0);
        String told = new String(text, 0, Math.max(status.read(text), 0), StandardCharsets.US_ASCII);
        int at = told.indexOf("VmHWM:") + 6;
        peakKib = Integer.parseInt(told.substring(at, told.indexOf("kB", at)).trim());
        return peakKib;
    }
}
