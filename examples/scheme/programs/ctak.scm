; Takeuchi's function where each result is thrown to a continuation: every call captures one, so on Acre every
; call runs on a fiber of its own.
(import (scheme base) (scheme write) (scheme process-context))

(define small? (member "small" (command-line)))

(define captured 0)

(define (ctak x y z)
  (call-with-current-continuation
   (lambda (k)
     (set! captured (+ captured 1))
     (ctak-to k x y z))))

(define (ctak-to k x y z)
  (if (not (< y x))
      (k z)
      (ctak-to k
               (ctak (- x 1) y z)
               (ctak (- y 1) z x)
               (ctak (- z 1) x y))))

(define (show x y z)
  (set! captured 0)
  (let ((result (ctak x y z)))
    (write (list 'ctak x y z '= result 'by captured 'continuations))
    (newline)))

(show 3 2 1)
(show 6 3 1)
(if (not small?) (show 8 4 2))
(if (not small?) (show 14 8 3))
