package lablambda.runtime;

import com.amazonaws.services.lambda.runtime.api.client.logging.LogSink;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** The pipe to the log: printed lines, and records, which are one event whatever newlines they hold. */
final class Log implements LogSink {
    private static final byte[] MARK = {(byte) 0xf5, 0, (byte) 0xff, 'R'};

    private final FileOutputStream pipe = new FileOutputStream(FileDescriptor.out);
    private final PrintStream out = lines(FileDescriptor.out);
    private final PrintStream err = lines(FileDescriptor.err);

    /** Have System.out and System.err write here. */
    void install() {
        System.setOut(out);
        System.setErr(err);
    }

    private static PrintStream lines(FileDescriptor descriptor) {
        return new PrintStream(new BufferedOutputStream(new FileOutputStream(descriptor)), true, StandardCharsets.UTF_8);
    }

    void flush() {
        out.flush();
        err.flush();
    }

    @Override
    public synchronized void log(byte[] message) {
        flush();
        ByteBuffer record = ByteBuffer.allocate(8 + message.length);
        record.put(MARK).putInt(message.length).put(message);
        try {
            pipe.write(record.array());
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    @Override
    public void log(LogLevel level, LogFormat format, byte[] message) {
        log(message);
    }

    @Override
    public void close() {}
}
