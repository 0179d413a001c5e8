#if os(Linux)
    import Foundation
    import Testing

    @testable import BME680

    @Suite("The bus of the kernel")
    struct LinuxI2CBusTests {
        private func failure(_ bus: LinuxI2CBus) -> I2CError? {
            do {
                _ = try bus.writeRead([0xD0], count: 1, from: 0x76)
                return nil
            } catch {
                return error
            }
        }

        @Test func aBusThatIsNotThereSaysToEnableI2C() {
            let error = failure(LinuxI2CBus(path: "/dev/i2c-does-not-exist"))
            #expect(error?.code == ENOENT && error?.operation == .open && error?.isNoAnswer == false)
            #expect(
                error?.description
                    == "/dev/i2c-does-not-exist does not exist; enable I2C (raspi-config: Interface Options, I2C) or "
                    + "name another bus.")
        }

        @Test func aFileThatIsNoBusIsRefused() {
            let error = failure(LinuxI2CBus(path: "/dev/null"))
            #expect(error?.code == ENOTTY)
            #expect(error?.description.contains("is no I2C bus") == true)
        }

        @Test func errorsOfTheSystemBecomeAdvice() {
            func text(_ operation: I2CError.Operation, _ code: Int32) -> String {
                I2CError(bus: "/dev/i2c-1", address: 0x76, operation: operation, code: code).description
            }
            #expect(text(.open, EACCES).contains("add the user to group i2c"))
            #expect(text(.read, EREMOTEIO) == "Nothing answers at 0x76 on /dev/i2c-1; check the wiring.")
            #expect(text(.write, ENXIO) == text(.read, EREMOTEIO))
            #expect(text(.read, ETIMEDOUT).contains("held low"))
            #expect(
                text(.write, EIO)
                    == "The device at 0x76 on /dev/i2c-1 could not be written to: Input/output error (error 5)."
            )
            for code in [EACCES, EPERM, ENOENT, EIO, ENXIO, ETIMEDOUT, EAGAIN, ENOTTY, 9_999] {
                for operation in [I2CError.Operation.open, .read, .write] {
                    #expect(text(operation, code).utf8.count <= 256)
                }
            }
        }

        @Test func aSensorOnABusThatIsNotThereSaysSo() async throws {
            let sensor = try BME680Sensor(bus: LinuxI2CBus(path: "/dev/i2c-does-not-exist"))
            do {
                _ = try await sensor.sample()
                Issue.record("a sample without a bus")
            } catch let error as BME680Error {
                guard case .bus(let cause) = error else { throw error }
                #expect(cause.code == ENOENT)
            }
        }

        /// What the kernel reads: `struct i2c_msg` as C lays it out on a 64-bit machine.
        @Test func messagesLieInMemoryAsTheKernelReadsThem() {
            guard MemoryLayout<UnsafeRawPointer>.size == 8 else { return }
            #expect(I2CTransaction.messageSize == 16 && I2CTransaction.bufferOffset == 8)
            #expect(I2CTransaction.requestSize == 16)
            let transaction = I2CTransaction(address: 0x76, parts: [.write([0x1D]), .read(17)])
            let messages = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 8)
            let data = UnsafeMutableRawBufferPointer.allocate(byteCount: 18, alignment: 1)
            defer {
                messages.deallocate()
                data.deallocate()
            }
            transaction.lay(out: messages, over: data)
            #expect(Array(messages[0..<8]) == [0x76, 0, 0, 0, 1, 0, 0, 0])
            #expect(Array(messages[16..<24]) == [0x76, 0, 1, 0, 17, 0, 0, 0])
            let start = data.baseAddress.map { UInt(bitPattern: $0) } ?? 0
            #expect(messages.load(fromByteOffset: 8, as: UInt.self) == start)
            #expect(messages.load(fromByteOffset: 24, as: UInt.self) == start + 1)
            #expect(data[0] == 0x1D)
        }

        @Test func lengthsThatTheKernelRefusesAreRefused() {
            for part in [I2CTransaction.Part.write([]), .read(0), .read(8_193)] {
                #expect(throws: I2CTransaction.Failed.self) {
                    try I2CTransaction(address: 0x76, parts: [part]).run(on: -1)
                }
            }
        }
    }
#endif
