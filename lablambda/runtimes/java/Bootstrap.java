package lablambda.runtime;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.LambdaRuntime;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.api.client.AWSLambda;
import com.amazonaws.services.lambda.runtime.api.client.EventHandlerLoader;
import com.amazonaws.services.lambda.runtime.api.client.HandlerInfo;
import com.amazonaws.services.lambda.runtime.api.client.LambdaEnvironment;
import com.amazonaws.services.lambda.runtime.api.client.LambdaRequestHandler;
import com.amazonaws.services.lambda.runtime.api.client.LambdaRequestHandler.UserFaultHandler;
import com.amazonaws.services.lambda.runtime.api.client.UserFault;
import com.amazonaws.services.lambda.runtime.api.client.logging.LambdaContextLogger;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.DtoSerializers;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.converters.LambdaErrorConverter;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.dto.ErrorRequest;
import com.amazonaws.services.lambda.runtime.api.client.runtimeapi.dto.InvocationRequest;
import com.amazonaws.services.lambda.runtime.api.client.util.UnsafeUtil;
import com.amazonaws.services.lambda.runtime.logging.LogFormat;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import com.amazonaws.services.lambda.runtime.serialization.PojoSerializer;
import com.amazonaws.services.lambda.runtime.serialization.factories.JacksonFactory;
import com.amazonaws.services.lambda.runtime.serialization.util.ReflectUtil;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOError;
import java.lang.reflect.Type;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.Security;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * What runs inside a Java execution environment: wait to be told which function this is to be, load its handler, then
 * handle one event at a time.
 *
 * <p>Handlers are loaded and called, and errors told, by AWS's own runtime interface client; here is only what connects
 * it to the lab. Its classes that read the environment when they are initialised (LambdaEnvironment and what uses it)
 * must not be before the function's variables are there.
 */
public final class Bootstrap {
    private static final String TRACE_HEADER = "com.amazonaws.xray.traceHeader"; // where the X-Ray SDK looks
    private static final String NEGATIVE_TTL = "networkaddress.cache.negative.ttl";
    private static final int RESPONSE_BYTES = 6 * 1024 * 1024 + 100;
    private static final PojoSerializer<Object> JSON = JacksonFactory.getInstance().getSerializer((Type) Map.class);

    private final Lab lab;
    private final Log log;
    private final LambdaContextLogger logger;

    @SuppressWarnings("unchecked")
    public static void main(String[] arguments) throws Exception {
        Log log = new Log();
        log.install();
        warm(log);
        if (arguments.length > 0) { // only to see which classes that takes
            rehearse(log);
            return;
        }
        Lab lab = new Lab();
        byte[] start = lab.next();
        if (start == null) return;
        Map<String, Object> launch = json(start);
        Environment.become((Map<String, String>) launch.get("variables"));
        Bootstrap bootstrap = new Bootstrap(lab, log);
        LambdaRequestHandler handler = bootstrap.load((String) launch.get("handler"), classLoader(launch));
        if (handler == null) System.exit(1);
        log.flush();
        lab.send(Lab.READY, new byte[0]);
        bootstrap.serve(handler);
        System.exit(0); // the function's own threads don't keep the process
    }

    private Bootstrap(Lab lab, Log log) {
        this.lab = lab;
        this.log = log;
        LogLevel level = LogLevel.fromString(LambdaEnvironment.LAMBDA_LOG_LEVEL);
        this.logger = new LambdaContextLogger(log, level, LogFormat.fromString(LambdaEnvironment.LAMBDA_LOG_FORMAT));
        ReflectUtil.setStaticField(LambdaRuntime.class, "logger", true, logger);
    }

    // ------------------------------------------------------------------------------------------ init

    /** Load now what every function needs; while this process is in reserve it costs nobody anything. */
    private static void warm(Log log) throws Exception {
        UnsafeUtil.disableIllegalAccessWarning();
        JSON.toJson(json("{\"a\": [1, \"b\", null]}".getBytes(StandardCharsets.UTF_8)), new ByteArrayOutputStream());
        DtoSerializers.serialize(LambdaErrorConverter.fromThrowable(new Exception("warm")));
        UserFault.makeUserFault(new Exception("warm")).reportableError();
        Environment.become(Map.copyOf(System.getenv()));
        Security.setProperty(NEGATIVE_TTL, Security.getProperty(NEGATIVE_TTL)); // AWSLambda will; the first time takes 10 ms
        new LambdaContextLogger(log, LogLevel.UNDEFINED, LogFormat.TEXT);
        URL folder = new File(".").toURI().toURL();
        try (URLClassLoader loader = new URLClassLoader(new URL[] {folder}, null)) {
            loader.findResource("warm");
        }
        for (String name : new String[] {"EventHandlerLoader", "LambdaEnvironment", "api.LambdaContext", "AWSLambda"}) {
            Class.forName("com.amazonaws.services.lambda.runtime.api.client." + name, false, Bootstrap.class.getClassLoader());
        }
    }

    /** Handle an event for the sake of the classes that it needs, which an archive of class data then has. */
    private static void rehearse(Log log) throws Exception {
        Bootstrap bootstrap = new Bootstrap(null, log);
        LambdaRequestHandler handler = EventHandlerLoader.loadEventHandler(new HandlerInfo(Rehearsal.class, null));
        String header = "{\"request_id\": \"r\", \"arn\": \"a\", \"deadline_ms\": 1}";
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        byte[] event = "{\"a\": 1}".getBytes(StandardCharsets.UTF_8);
        ByteBuffer frame = ByteBuffer.allocate(4 + text.length + event.length);
        handler.call(request(frame.putInt(text.length).put(text).put(event).array()));
        bootstrap.logger.log("done");
    }

    /** A handler as most are. */
    public static final class Rehearsal implements RequestHandler<Map<String, Object>, Object> {
        @Override
        public Object handleRequest(Map<String, Object> event, Context context) {
            return event;
        }
    }

    /** The package, then its lib folder, then the layers' java/lib, each folder's jars by name, as AWS has it. */
    private static ClassLoader classLoader(Map<String, Object> launch) throws MalformedURLException {
        List<URL> urls = new ArrayList<>();
        File task = new File((String) launch.get("task"));
        urls.add(task.toURI().toURL());
        addJars(new File(task, "lib"), urls);
        if (launch.get("layers") != null) addJars(new File((String) launch.get("layers"), "java/lib"), urls);
        ClassLoader loader = new URLClassLoader(urls.toArray(new URL[0]), Bootstrap.class.getClassLoader());
        Thread.currentThread().setContextClassLoader(loader);
        // Where the runtime client looks for the types of AWS's events.
        ReflectUtil.setStaticField(AWSLambda.class, "customerClassLoader", true, loader);
        return loader;
    }

    private static void addJars(File folder, List<URL> urls) throws MalformedURLException {
        String[] names = folder.list((where, name) -> name.endsWith(".jar"));
        if (names == null) return;
        Arrays.sort(names);
        for (String name : names) urls.add(new File(folder, name).toURI().toURL());
    }

    /** The handler; null if the function's own code failed at init, which is told then. */
    private LambdaRequestHandler load(String name, ClassLoader loader) throws Exception {
        try {
            return find(name, loader);
        } catch (UserFault fault) {
            tell(fault);
            log.flush();
            lab.send(Lab.INIT_ERROR, DtoSerializers.serialize(LambdaErrorConverter.fromUserFault(fault)));
            return null;
        }
    }

    /** As AWS has it: a class that isn't there is told at each event, code that fails ends the init. */
    private static LambdaRequestHandler find(String name, ClassLoader loader) {
        HandlerInfo found;
        try {
            found = HandlerInfo.fromString(name, loader);
        } catch (HandlerInfo.InvalidHandlerException error) {
            return new UserFaultHandler(UserFault.makeUserFault("Invalid handler: `" + name + "'"));
        } catch (ClassNotFoundException error) {
            return LambdaRequestHandler.classNotFound(error, HandlerInfo.className(name));
        } catch (NoClassDefFoundError error) {
            return LambdaRequestHandler.initErrorHandler(error, HandlerInfo.className(name));
        } catch (Throwable error) { // of a static initialiser
            throw ((UserFaultHandler) LambdaRequestHandler.initErrorHandler(error, HandlerInfo.className(name))).fault;
        }
        return construct(found);
    }

    private static LambdaRequestHandler construct(HandlerInfo found) {
        LambdaRequestHandler handler;
        try {
            handler = EventHandlerLoader.loadEventHandler(found);
        } catch (Throwable error) {
            throw UserFault.makeUserFault(error, true);
        }
        if (handler instanceof UserFaultHandler && ((UserFaultHandler) handler).fault.fatal) throw ((UserFaultHandler) handler).fault;
        return handler;
    }

    // ---------------------------------------------------------------------------------------- events

    private void serve(LambdaRequestHandler handler) throws Exception {
        byte[] frame;
        while ((frame = lab.next()) != null) {
            InvocationRequest request = request(frame);
            trace(request.getXrayTraceId());
            boolean fatal = handle(handler, request);
            Thread.interrupted(); // as the handler may have left it
            if (fatal) System.exit(1);
        }
    }

    private static void trace(String id) {
        if (id == null) System.clearProperty(TRACE_HEADER);
        else System.setProperty(TRACE_HEADER, id);
    }

    /** Answer one event; gives whether the process can't go on. */
    private boolean handle(LambdaRequestHandler handler, InvocationRequest request) throws Exception {
        try {
            byte[] answer = handler.call(request).toByteArray();
            log.flush();
            if (answer.length > RESPONSE_BYTES) lab.answer(Lab.ERROR, tooLarge());
            else lab.answer(Lab.RESPONSE, answer);
            return false;
        } catch (Throwable error) {
            UserFault.filterStackTrace(error);
            UserFault fault = error instanceof UserFault ? (UserFault) error : UserFault.makeUserFault(error);
            ErrorRequest told = error instanceof UserFault ? LambdaErrorConverter.fromUserFault(fault) : LambdaErrorConverter.fromThrowable(error);
            tell(fault);
            log.flush();
            boolean fatal = error instanceof VirtualMachineError || error instanceof IOError;
            lab.answer(fatal ? Lab.FATAL : Lab.ERROR, DtoSerializers.serialize(told));
            return fatal;
        }
    }

    private void tell(UserFault fault) {
        logger.log(fault.reportableError(), logger.getLogFormat() == LogFormat.JSON ? LogLevel.ERROR : LogLevel.UNDEFINED);
    }

    private static InvocationRequest request(byte[] frame) {
        int end = 4 + ByteBuffer.wrap(frame).getInt();
        Map<String, Object> header = json(Arrays.copyOfRange(frame, 4, end));
        InvocationRequest request = new InvocationRequest();
        request.setId((String) header.get("request_id"));
        request.setInvokedFunctionArn((String) header.get("arn"));
        request.setDeadlineTimeInMs(((Number) header.get("deadline_ms")).longValue());
        request.setXrayTraceId((String) header.get("trace_id"));
        request.setClientContext((String) header.get("client_context"));
        request.setContent(Arrays.copyOfRange(frame, end, frame.length));
        return request;
    }

    private static byte[] tooLarge() {
        String message = "Response payload size exceeded maximum allowed payload size (" + RESPONSE_BYTES + " bytes).";
        String told = "{\"errorMessage\":\"" + message + "\",\"errorType\":\"Function.ResponseSizeTooLarge\"}";
        return told.getBytes(StandardCharsets.UTF_8);
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> json(byte[] text) {
        return (Map<String, Object>) JSON.fromJson(new ByteArrayInputStream(text));
    }
}
