// Tables as JSON, uploaded by Arrow Java or read back by it from where another has uploaded them, and compared as Java's
// official integration client compares them: ids of dictionaries and names of a map's entries count.
//
// Usage: GoldenFiles upload|read PORT NAMES. NAMES is a folder with the `.json` files by whose paths the tables are known
// to the server. A line of JSON a table. What Java does not bring back from its own stream format is lacking.

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.arrow.flight.AsyncPutListener;
import org.apache.arrow.flight.FlightClient;
import org.apache.arrow.flight.FlightDescriptor;
import org.apache.arrow.flight.FlightEndpoint;
import org.apache.arrow.flight.FlightInfo;
import org.apache.arrow.flight.FlightStream;
import org.apache.arrow.flight.Location;
import org.apache.arrow.flight.PutResult;
import org.apache.arrow.flight.SyncPutListener;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.dictionary.DictionaryProvider;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.apache.arrow.vector.ipc.JsonFileReader;
import org.apache.arrow.vector.types.pojo.Schema;
import org.apache.arrow.vector.util.Validator;

public final class GoldenFiles {
    private interface Check {
        void run(FlightClient client, File file, BufferAllocator allocator) throws Exception;
    }

    public static void main(String[] args) throws Exception {
        Check check = args[0].equals("upload") ? GoldenFiles::upload : GoldenFiles::read;
        Location server = Location.forGrpcInsecure("localhost", Integer.parseInt(args[1]));
        Path names = Path.of(args[2]);
        List<Path> files;
        try (Stream<Path> found = Files.walk(names)) {
            files = found.filter(path -> path.toString().endsWith(".json")).sorted().toList();
        }
        try (BufferAllocator allocator = new RootAllocator();
                FlightClient client = FlightClient.builder(allocator, server).build()) {
            for (Path file : files) {
                String name = names.relativize(file).toString().replace(File.separatorChar, '/');
                System.out.println(line(name.substring(0, name.length() - ".json".length()), check, client, file.toFile()));
                System.out.flush();
            }
        }
    }

    private static String line(String name, Check check, FlightClient client, File file) throws Exception {
        Map<String, Object> line = new java.util.HashMap<>();
        line.put("check", name);
        // An allocator of its own, since a failure leaves memory behind.
        BufferAllocator allocator = new RootAllocator();
        try {
            roundTripWithin(file, allocator);
        } catch (Throwable unsupported) {
            line.put("lacking", "Java cannot read the file, or does not bring it back from a stream of its own");
            return new ObjectMapper().writeValueAsString(line);
        }
        try {
            check.run(client, file, allocator);
            line.put("fault", null);
        } catch (Throwable fault) {
            line.put("fault", fault.toString());
            fault.printStackTrace();
        }
        return new ObjectMapper().writeValueAsString(line);
    }

    /** Whether Java alone keeps the table. */
    private static void roundTripWithin(File file, BufferAllocator allocator) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonFileReader json = new JsonFileReader(file, allocator);
                VectorSchemaRoot root = VectorSchemaRoot.create(json.start(), allocator);
                ArrowStreamWriter writer = new ArrowStreamWriter(root, json, Channels.newChannel(bytes))) {
            writer.start();
            while (json.read(root)) {
                writer.writeBatch();
            }
            writer.end();
        }
        try (JsonFileReader json = new JsonFileReader(file, allocator);
                VectorSchemaRoot expected = VectorSchemaRoot.create(json.start(), allocator);
                ArrowStreamReader reader =
                        new ArrowStreamReader(new ByteArrayInputStream(bytes.toByteArray()), allocator)) {
            Validator.compareSchemas(expected.getSchema(), reader.getVectorSchemaRoot().getSchema());
            while (json.read(expected)) {
                require(reader.loadNextBatch(), "a batch is missing");
                Validator.compareVectorSchemaRoot(reader.getVectorSchemaRoot(), expected);
            }
        }
    }

    /** In lock-step: each batch is acknowledged before the next one. */
    private static void upload(FlightClient client, File file, BufferAllocator allocator) throws Exception {
        SyncPutListener acknowledgements = new SyncPutListener();
        try (JsonFileReader json = new JsonFileReader(file, allocator);
                VectorSchemaRoot root = VectorSchemaRoot.create(json.start(), allocator)) {
            FlightClient.ClientStreamListener upload = client.startPut(descriptor(file), root, json, acknowledgements);
            for (int index = 0; json.read(root); index++) {
                byte[] metadata = metadata(index);
                ArrowBuf buffer = allocator.buffer(metadata.length);
                buffer.writeBytes(metadata);
                upload.putNext(buffer);
                try (PutResult result = acknowledgements.read()) {
                    require(result != null && text(result.getApplicationMetadata()).equals(Integer.toString(index)),
                            "batch " + index + " is acknowledged otherwise");
                }
            }
            upload.completed();
            upload.getResult();
            require(acknowledgements.read() == null, "something follows the last acknowledgement");
        }
    }

    /** Every row, type, id and byte of metadata is the file's. */
    private static void read(FlightClient client, File file, BufferAllocator allocator) throws Exception {
        FlightInfo info = client.getInfo(descriptor(file));
        for (FlightEndpoint endpoint : info.getEndpoints()) {
            try (JsonFileReader json = new JsonFileReader(file, allocator);
                    VectorSchemaRoot expected = VectorSchemaRoot.create(json.start(), allocator);
                    FlightStream stream = client.getStream(endpoint.getTicket())) {
                VectorSchemaRoot read = stream.getRoot();
                Validator.compareSchemas(expected.getSchema(), stream.getSchema());
                for (int index = 0; json.read(expected); index++) {
                    require(stream.next(), "batch " + index + " is missing");
                    Validator.compareVectorSchemaRoot(read, expected);
                    DictionaryProvider came = stream.getDictionaryProvider();
                    if (!json.getDictionaryIds().isEmpty()) {
                        Validator.compareDictionaryProviders(json, came);
                    }
                    ArrowBuf metadata = stream.getLatestMetadata();
                    require(metadata != null && text(metadata).equals(Integer.toString(index)),
                            "app_metadata of batch " + index + " is another");
                }
                require(!stream.next(), "more batches than in the file");
            }
        }
    }

    private static FlightDescriptor descriptor(File file) {
        return FlightDescriptor.path(file.toString());
    }

    private static byte[] metadata(int index) {
        return Integer.toString(index).getBytes(StandardCharsets.UTF_8);
    }

    private static String text(ArrowBuf buffer) {
        byte[] bytes = new byte[(int) buffer.readableBytes()];
        buffer.getBytes(buffer.readerIndex(), bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static void require(boolean holds, String fault) {
        if (!holds) {
            throw new IllegalStateException(fault);
        }
    }
}
