; Lists that are changed in place all the time: each store into a pair goes through the write barrier, and what is
; cut off becomes garbage.
(import (scheme base) (scheme write) (scheme process-context))

(define small? (member "small" (command-line)))

(define (append-to! list tail)
  (if (null? list)
      tail
      (let loop ((pair list))
        (if (null? (cdr pair))
            (begin (set-cdr! pair tail) list)
            (loop (cdr pair))))))

(define (numbers from count)
  (if (= count 0) '() (cons from (numbers (+ from 1) (- count 1)))))

(define (reverse-in-place! list)
  (let loop ((rest list) (done '()))
    (if (null? rest)
        done
        (let ((next (cdr rest)))
          (set-cdr! rest done)
          (loop next rest)))))

; Cuts the list in two halves; returns the second.
(define (cut! list count)
  (let loop ((pair list) (left (- count 1)))
    (if (> left 0)
        (loop (cdr pair) (- left 1))
        (let ((rest (cdr pair)))
          (set-cdr! pair '())
          rest))))

(define (step! rows round)
  (vector-for-each
   (lambda (row)
     (let ((count (length (vector-ref rows (modulo round (vector-length rows))))))
       (set-car! row (+ (car row) (modulo (* round count) 7)))))
   rows)
  (let* ((n (vector-length rows))
         (from (modulo (* round 7) n))
         (to (modulo (+ (* round 3) 1) n)))
    (if (and (not (= from to)) (> (length (vector-ref rows from)) 3))
        (let ((half (cut! (vector-ref rows from) (quotient (length (vector-ref rows from)) 2))))
          (vector-set! rows to (append-to! (vector-ref rows to) (reverse-in-place! half))))
        (vector-set! rows from (append-to! (vector-ref rows from) (numbers round 5))))
    (if (> (length (vector-ref rows to)) 40)
        (cut! (vector-ref rows to) 10))))

(define (sum list) (if (null? list) 0 (+ (car list) (sum (cdr list)))))

(define (run rows rounds)
  (do ((round 0 (+ round 1)))
      ((= round rounds))
    (step! rows round))
  (vector-map (lambda (row) (list (length row) (sum row))) rows))

(let ((rows (make-vector 10 '())))
  (do ((i 0 (+ i 1)))
      ((= i 10))
    (vector-set! rows i (numbers i 10)))
  (write (run rows (if small? 60 4000)))
  (newline))
