// Tries what a handler must not be able to do; tells what it could do all the same.
package intruders;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

public class Intruder implements RequestHandler<Map<String, List<Object>>, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Map<String, List<Object>> event, Context context) {
        List<String> done = new ArrayList<>();
        event.forEach((what, targets) -> {
            for (Object target : targets) {
                try {
                    attempt(what, target.toString());
                    done.add(what + " " + target);
                } catch (IOException | InterruptedException | UncheckedIOException refused) {
                    // as it should be
                }
            }
        });
        return Map.of("pid", ProcessHandle.current().pid(), "done", done);
    }

    private static void attempt(String what, String target) throws IOException, InterruptedException {
        switch (what) {
            case "list":
                try (Stream<Path> entries = Files.list(Path.of(target))) {
                    entries.toList(); // to open a folder isn't yet to see what is in it
                }
                break;
            case "read":
                try (RandomAccessFile file = new RandomAccessFile(target, "r")) {
                    if (target.endsWith("/mem")) file.seek(4096);
                    file.read();
                }
                break;
            case "write":
                Files.newByteChannel(Path.of(target), StandardOpenOption.APPEND).close();
                break;
            case "mode":
                Files.setPosixFilePermissions(Path.of(target), Files.getPosixFilePermissions(Path.of(target)));
                break;
            case "signal":
                if (new ProcessBuilder("/bin/sh", "-c", "kill -0 " + target).start().waitFor() != 0)
                    throw new IOException();
                break;
            case "connect":
                try (SocketChannel there = SocketChannel.open(StandardProtocolFamily.UNIX)) {
                    there.connect(UnixDomainSocketAddress.of(target));
                }
                break;
            default:
                throw new IllegalArgumentException(what);
        }
    }
}
