import Observability
import Testing

#if canImport(Glibc)
    @Suite("Settings of the allocator")
    struct AllocatorSettingsTests {
        @Test("are taken by the C library, and leave alone what the environment says")
        func applied() {
            #expect(AllocatorSettings.apply(environment: [:]))
            #expect(
                AllocatorSettings.apply(environment: ["MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1"])
            )
        }
    }
#endif
