// The conformance suite's function, in Java: does what the event says.
package conformance;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

public class Actor implements RequestHandler<Map<String, Object>, Object> {
    private static final List<byte[]> KEPT = new ArrayList<>();
    private static int count = 0;

    static class Mishap extends RuntimeException {
        Mishap(String message) {
            super(message);
        }
    }

    public Actor() throws InterruptedException {
        if (System.getenv("FAIL_INIT") != null) throw new IllegalStateException("no way to start");
        if (System.getenv("SLOW_INIT") != null)
            Thread.sleep((long) (1000 * Double.parseDouble(System.getenv("SLOW_INIT"))));
    }

    @Override
    public Object handleRequest(Map<String, Object> event, Context context) {
        try {
            return act(event, context);
        } catch (RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    private Object act(Map<String, Object> event, Context context) throws Exception {
        Path note = Path.of(System.getenv("TMPDIR"), "note");
        switch ((String) event.get("do")) {
            case "echo":
                return event.get("value");
            case "context":
                return facts(context);
            case "env":
                Map<String, String> found = new LinkedHashMap<>();
                for (Object name : (List<?>) event.get("names")) found.put((String) name, System.getenv((String) name));
                return found;
            case "log":
                System.out.println(event.get("text"));
                System.err.println(event.get("text"));
                return null;
            case "error":
                throw new Mishap((String) event.get("message"));
            case "sleep":
                Thread.sleep((long) (1000 * ((Number) event.get("s")).doubleValue()));
                return null;
            case "exit":
                Runtime.getRuntime().halt(number(event, "status"));
                return null;
            case "memory":
                for (int megabyte = 0; megabyte < number(event, "mb"); megabyte++) KEPT.add(new byte[1 << 20]);
                return KEPT.size() << 20;
            case "write":
                Files.writeString(note, (String) event.get("text"));
                return null;
            case "read":
                return Files.readString(note);
            case "count":
                return ++count;
            case "big":
                return "x".repeat(number(event, "size"));
            case "folder":
                try (Stream<Path> entries = Files.list(Path.of(""))) {
                    return entries.map(Path::toString).sorted().toList();
                }
            default:
                throw new IllegalArgumentException("what is " + event.get("do") + "?");
        }
    }

    private static int number(Map<String, Object> event, String name) {
        return ((Number) event.get(name)).intValue();
    }

    private static Map<String, Object> facts(Context context) {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("request_id", context.getAwsRequestId());
        facts.put("name", context.getFunctionName());
        facts.put("version", context.getFunctionVersion());
        facts.put("memory", String.valueOf(context.getMemoryLimitInMB()));
        facts.put("group", context.getLogGroupName());
        facts.put("stream", context.getLogStreamName());
        facts.put("arn", context.getInvokedFunctionArn());
        facts.put("left", context.getRemainingTimeInMillis());
        return facts;
    }
}
