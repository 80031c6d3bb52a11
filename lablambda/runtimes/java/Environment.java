package lablambda.runtime;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The variables of this process, replaced once. Java reads them when it starts and has no way to set them; a program
 * that it starts gets the C library's, which Java never touches.
 */
final class Environment {
    private Environment() {}

    static void become(Map<String, String> variables) throws ReflectiveOperationException {
        tellJava(variables);
        tellC(variables);
    }

    @SuppressWarnings("unchecked")
    private static void tellJava(Map<String, String> variables) throws ReflectiveOperationException {
        Map<String, String> seen = System.getenv(); // unmodifiable, around the one that can be changed
        Field inner = seen.getClass().getDeclaredField("m");
        inner.setAccessible(true);
        Map<String, String> environment = (Map<String, String>) inner.get(seen);
        environment.clear();
        environment.putAll(variables);
    }

    /** Point C's `environ` at a new table: addresses of texts "name=value", then a zero. */
    private static void tellC(Map<String, String> variables) throws ReflectiveOperationException {
        Memory memory = new Memory();
        ByteArrayOutputStream texts = new ByteArrayOutputStream();
        List<Integer> starts = new ArrayList<>();
        for (Map.Entry<String, String> variable : variables.entrySet()) {
            starts.add(texts.size());
            texts.writeBytes(String.join("=", variable.getKey(), variable.getValue()).getBytes(StandardCharsets.UTF_8));
            texts.write(0);
        }
        long where = memory.keep(texts.toByteArray());
        long table = memory.allocate(Long.BYTES * (starts.size() + 1L));
        for (int i = 0; i < starts.size(); i++) memory.putAddress(table + (long) Long.BYTES * i, where + starts.get(i));
        memory.putAddress(table + (long) Long.BYTES * starts.size(), 0);
        memory.putAddress(symbol("environ"), table);
    }

    /** The address of a global variable of the C library. */
    private static long symbol(String name) throws ReflectiveOperationException {
        try {
            Method find = method("jdk.internal.loader.NativeLibrary", "findEntry0", long.class, String.class);
            return (long) find.invoke(null, 0L, name);
        } catch (NoSuchMethodException older) { // than Java 18: a library that wasn't loaded stands for all that were
            Class<?> library = Class.forName("jdk.internal.loader.NativeLibraries$NativeLibraryImpl");
            Constructor<?> make = library.getDeclaredConstructor(Class.class, String.class, boolean.class, boolean.class);
            make.setAccessible(true);
            Method find = method("jdk.internal.loader.NativeLibraries", "findEntry0", library, String.class);
            return (long) find.invoke(null, make.newInstance(Environment.class, "any", true, true), name);
        }
    }

    private static Method method(String type, String name, Class<?>... parameters) throws ReflectiveOperationException {
        Method found = Class.forName(type).getDeclaredMethod(name, parameters);
        found.setAccessible(true);
        return found;
    }

    /** Memory outside Java's heap. The public class for it warns on Java 24 and newer. */
    private static final class Memory {
        private static final String TYPE = "jdk.internal.misc.Unsafe";

        private final Object unsafe = method(TYPE, "getUnsafe").invoke(null);
        private final Method allocate = method(TYPE, "allocateMemory", long.class);
        private final Method putAddress = method(TYPE, "putAddress", long.class, long.class);
        private final Method copy =
                method(TYPE, "copyMemory", Object.class, long.class, Object.class, long.class, long.class);
        private final Method baseOffset = method(TYPE, "arrayBaseOffset", Class.class);

        Memory() throws ReflectiveOperationException {}

        long allocate(long size) throws ReflectiveOperationException {
            return (long) allocate.invoke(unsafe, size);
        }

        void putAddress(long at, long value) throws ReflectiveOperationException {
            putAddress.invoke(unsafe, at, value);
        }

        long keep(byte[] data) throws ReflectiveOperationException {
            long where = allocate(data.length);
            long offset = ((Number) baseOffset.invoke(unsafe, byte[].class)).longValue(); // an int before Java 25
            copy.invoke(unsafe, data, offset, null, where, (long) data.length);
            return where;
        }
    }
}
