import Observability
import Testing

#if canImport(Glibc)
    @Suite("Settings of the allocator")
    struct AllocatorSettingsTests {
        @Test(
            "are taken by the C library, and leave alone what the environment says",
            arguments: [AllocatorSettings.largeMessages, .manyConnections])
        func applied(_ settings: AllocatorSettings) {
            #expect(settings.apply(environment: [:]))
            #expect(
                settings.apply(environment: ["MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1"])
            )
        }
    }
#endif
